import { spawn } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { Endpoint } from "./published.ts";

const program = join(import.meta.dirname, "../../node_modules/compatcanary/src/cli.js");
const reportSchema = z.looseObject({
  results: z.array(z.looseObject({ id: z.string(), status: z.string(), summary: z.string().optional() })),
});

/** `compatcanary --profile modern`, a program of somebody else's that judges endpoints. */
export function canaryCases(at: () => Endpoint): void {
  describe("compatcanary", () => {
    test("--profile modern", async () => {
      const { url, apiKey, model } = at();
      const args = ["scan", "--base-url", `${url}/v1`, "--model", model, "--profile", "modern", "--format", "json"];
      const child = spawn(process.execPath, [program, ...args], { env: { ...process.env, OPENAI_API_KEY: apiKey } });
      let stdout = "";
      child.stdout.on("data", (chunk: Buffer) => {
        stdout += chunk.toString();
      });
      await new Promise((resolve) => child.on("close", resolve));
      const { results } = reportSchema.parse(JSON.parse(stdout));
      expect(results.filter(({ status }) => status !== "pass")).toEqual([]);
      expect(results.length).toBeGreaterThan(5);
    });
  });
}
