import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { depinfer } from "./local-network.ts";

/* The files that deploy a network name images, flags and folders; what can be checked without a daemon is checked here. */

const deploy = join(import.meta.dirname, "../../deploy");
const composeSchema = z.object({
  services: z.record(
    z.string(),
    z.object({
      image: z.string(),
      command: z.array(z.string()).optional(),
      volumes: z.array(z.string()).default([]),
      secrets: z.array(z.object({ source: z.string() })).default([]),
      depends_on: z.union([z.array(z.string()), z.record(z.string(), z.unknown())]).optional(),
    }),
  ),
  volumes: z.record(z.string(), z.unknown()),
  secrets: z.record(z.string(), z.unknown()),
});
const compose = composeSchema.parse(parse(readFileSync(join(deploy, "compose.yaml"), "utf8"), { merge: true }));

async function expectKnownFlags(name: string, args: readonly string[]): Promise<void> {
  const { stdout, code } = await depinfer(name, "--help");
  expect(code).toBe(0);
  const known = new Set(stdout.match(/--[a-z0-9-]+/g));
  for (const flag of args.filter((arg) => arg.startsWith("--")).map((arg) => arg.split("=", 1)[0] ?? "")) {
    expect(known, `${name} ${flag}`).toContain(flag);
  }
}

describe("the compose file", () => {
  test("has every service, and names only volumes, secrets and services that it defines", () => {
    expect(Object.keys(compose.services).sort()).toEqual(
      ["gateway-1", "gateway-2", "grafana", "indexer", "postgres", "prometheus", "provider", "validator"].sort(),
    );
    for (const { volumes, secrets, depends_on: needs = [] } of Object.values(compose.services)) {
      for (const volume of volumes) {
        const from = volume.split(":")[0] ?? "";
        expect(from.startsWith(".") ? existsSync(join(deploy, from)) : from in compose.volumes, volume).toBe(true);
      }
      for (const { source } of secrets) {
        expect(compose.secrets).toHaveProperty(source);
      }
      for (const other of Array.isArray(needs) ? needs : Object.keys(needs)) {
        expect(compose.services).toHaveProperty(other);
      }
    }
  });

  test.each(Object.entries(compose.services).filter(([, { image }]) => image === "depinfer"))(
    "starts %s with flags that its command knows",
    async (_name, { command = [] }) => {
      const [name = "", ...args] = command;
      await expectKnownFlags(name, args);
    },
    30_000,
  );
});

const units = readdirSync(join(deploy, "systemd")).filter((name) => name.endsWith(".service"));

describe("the systemd units", () => {
  test.each(units)(
    "%s: flags that its command knows, settings that systemd knows",
    async (unit) => {
      const text = readFileSync(join(deploy, "systemd", unit), "utf8");
      const [name = "", ...args] = (/depinfer\.js (.+)$/m.exec(text)?.[1] ?? "").split(" ");
      await expectKnownFlags(name, args);
      const environment = /^EnvironmentFile=\/etc\/depinfer\/(.+)$/m.exec(text)?.[1] ?? "";
      expect(existsSync(join(deploy, "env", `${environment}.example`))).toBe(true);
      if (existsSync("/usr/bin/systemd-analyze")) {
        execFileSync("/usr/bin/systemd-analyze", ["verify", join(deploy, "systemd", unit)], { stdio: "pipe" });
      }
    },
    30_000,
  );
});
