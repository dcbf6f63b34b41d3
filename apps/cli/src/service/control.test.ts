import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { callControl, controlPath, serveControl, withParameters } from "./control.ts";

const folder = mkdtempSync(join(tmpdir(), "depinfer-control-"));
let close: () => void;
const seen: unknown[] = [];
beforeAll(async () => {
  close = await serveControl(folder, {
    plain: () => ({ amount: 5n }),
    add: withParameters(z.strictObject({ name: z.string() }), ({ name }) => {
      seen.push(name);
      return `made ${name}`;
    }),
  });
});
afterAll(() => {
  close();
  rmSync(controlPath(folder), { force: true });
  rmSync(folder, { recursive: true });
});

test("a method is called with and without parameters", async () => {
  expect(await callControl(folder, "plain")).toEqual({ amount: "5" });
  expect(await callControl(folder, "add", { name: "app" })).toBe("made app");
});

test.each([[undefined], [{}], [{ name: 5 }], [{ name: "a", more: 1 }], ["app"], [{ name: "x".repeat(70_000) }]])(
  "parameters that do not fit do nothing (%#)",
  async (parameters) => {
    seen.length = 0;
    await expect(callControl(folder, "add", parameters)).rejects.toMatchObject({ code: "control.badParameters" });
    expect(seen).toEqual([]);
    expect(await callControl(folder, "plain")).toEqual({ amount: "5" });
  },
);

test("a method that does not exist names those that do", async () => {
  await expect(callControl(folder, "nothing")).rejects.toMatchObject({
    code: "control.unknown",
    remedy: expect.stringContaining("add"),
  });
});
