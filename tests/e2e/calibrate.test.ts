import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { calibrationFileSchema } from "@depinfer/proof";
import { afterAll, expect, test } from "vitest";
import { checkout } from "../../apps/cli/src/home.ts";

/* `depinfer calibrate` as its user runs it: small numbers, real engine. */

const folder = mkdtempSync(join(tmpdir(), "calibrate-"));
const out = join(folder, "class.json");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function calibrate(args: readonly string[], interruptAfter?: RegExp) {
  const cli = join(checkout ?? "", "apps/cli/bin/depinfer.js");
  // In a group of its own, which gets Ctrl-C as a whole from a terminal.
  const child = spawn(process.execPath, [cli, "calibrate", "--out", out, ...args], { stdio: "pipe", detached: true });
  let stdout = "";
  let stderr = "";
  let interrupted = false;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    if (interruptAfter?.test(stderr) === true && !interrupted) {
      interrupted = true;
      process.kill(-(child.pid ?? 0), "SIGINT");
    }
  });
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) =>
    child.once("close", (code) => resolve({ code, stdout, stderr })),
  );
}

function read() {
  return calibrationFileSchema.parse(JSON.parse(readFileSync(out, "utf8")));
}

test("measures a class, keeps what it measured when interrupted, and goes on from there", async () => {
  const interrupted = await calibrate(["--tokens", "40000"], /^calibration: /m);
  expect(interrupted.code, interrupted.stderr).toBe(0);
  expect(interrupted.stdout).toContain("Interrupted; what was measured is kept");
  const first = read();
  expect(first.honest.tokens).toBeGreaterThan(0);
  expect(first.honest.tokens).toBeLessThan(40_000);
  expect(first.honest.mismatches).toBe(0);

  const wanted = first.honest.tokens + 200;
  const { code, stdout, stderr } = await calibrate(["--tokens", String(wanted), "--json"]);
  expect(code, stderr).toBe(0);
  const second = read();
  expect(second.honest.tokens).toBeGreaterThanOrEqual(wanted);
  expect(second.provenance.nextTask).toBeGreaterThan(first.provenance.nextTask);
  expect(second.weakestCheat.counts.mismatches).toBeGreaterThan(0);
  expect(JSON.parse(stdout)).toMatchObject({ classId: second.classId, bounds: { classId: second.classId } });
}, 240_000);

test("refuses a class that this machine does not compute, and a file of something else", async () => {
  const otherClass = await calibrate(["0xdeadbeef"]);
  expect(otherClass.code).not.toBe(0);
  expect(otherClass.stderr).toContain("0xdeadbeef");
  const otherTasks = await calibrate(["--tasks", "others", "--tokens", "10"]);
  expect(otherTasks.code).not.toBe(0);
  expect(otherTasks.stderr).toContain("others");
}, 60_000);
