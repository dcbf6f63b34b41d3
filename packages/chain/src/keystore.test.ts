import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Hex } from "@depinfer/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createKeystore, openKeystore, randomPassphrase } from "./keystore.ts";

const secrets: Record<string, Hex> = { wallet: `0x${"A1".repeat(32)}`, receiptKey: `0x${"b2".repeat(32)}` };

describe("a keystore", () => {
  let folder: string;
  let path: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "depinfer-keystore-"));
    path = join(folder, "keys.json");
    await createKeystore(path, "correct horse", secrets);
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("gives the secrets back to the right passphrase", async () => {
    expect(await openKeystore(path, "correct horse")).toEqual({
      wallet: `0x${"a1".repeat(32)}`,
      receiptKey: `0x${"b2".repeat(32)}`,
    });
  });

  it("takes a passphrase in either Unicode form", async () => {
    const unicode = join(folder, "unicode.json");
    await createKeystore(unicode, "caf\u00e9", secrets);
    expect(await openKeystore(unicode, "cafe\u0301")).toHaveProperty("wallet");
  });

  it("holds no secret in clear, is readable by its owner only, and leaves nothing beside it", async () => {
    const text = await readFile(path, "utf8");
    expect(text.toLowerCase()).not.toContain("a1a1a1");
    expect(text).not.toContain("wallet");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await readdir(folder)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("is never overwritten", async () => {
    const before = await readFile(path, "utf8");
    await expect(createKeystore(path, "other", { wallet: "0x00" })).rejects.toMatchObject({ code: "keystore.exists" });
    expect(await readFile(path, "utf8")).toBe(before);
    expect((await readdir(folder)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("says when the passphrase is wrong, and tells no secret", async () => {
    await expect(openKeystore(path, "wrong")).rejects.toMatchObject({
      code: "keystore.wrongPassphrase",
      message: `The passphrase does not open ${path}`,
    });
  });

  it("says when there is no file", async () => {
    await expect(openKeystore(join(folder, "none.json"), "x")).rejects.toMatchObject({ code: "keystore.missing" });
  });

  it("refuses a file that others can read", async () => {
    const open = await copy("open.json", (text) => text);
    await chmod(open, 0o644);
    await expect(openKeystore(open, "correct horse")).rejects.toMatchObject({
      code: "keystore.openPermissions",
      message: `Others than the owner can read ${open} (mode 0644)`,
    });
  });

  it.each([
    ["cut short", (text: string) => text.slice(0, -20)],
    ["of another version", (text: string) => text.replace('"version": 3', '"version": 4')],
    ["without a salt", (text: string) => text.replace(/"salt": "[0-9a-f]+"/, '"salt": ""')],
    ["asking for little work", (text: string) => text.replace('"n": 32768', '"n": 2')],
    ["asking for all memory", (text: string) => text.replace('"n": 32768', '"n": 1073741824')],
    ["with a short tag", (text: string) => text.replace(/"tag": "[0-9a-f]{8}/, '"tag": "')],
    ["that is a list", () => "[]"],
  ])("refuses a file %s as corrupt", async (name, change) => {
    const damaged = await copy(`${name}.json`, change);
    await expect(openKeystore(damaged, "correct horse")).rejects.toMatchObject({ code: "keystore.corrupt" });
  });

  it("notices one changed digit of what is encrypted", async () => {
    const changed = await copy("flipped.json", (text) =>
      text.replace(/"ciphertext": "(.)/, (_, digit) => `"ciphertext": "${digit === "0" ? "1" : "0"}`),
    );
    await expect(openKeystore(changed, "correct horse")).rejects.toMatchObject({ code: "keystore.wrongPassphrase" });
  });

  it("opens under a random passphrase, and asks the full cost of any other", async () => {
    const passphrase = randomPassphrase();
    const quick = join(folder, "random.json");
    await createKeystore(quick, passphrase, { wallet: "0x01" });
    expect(await openKeystore(quick, passphrase)).toEqual({ wallet: "0x01" });
    expect(await readFile(quick, "utf8")).toContain('"n": 1024');
    expect(await readFile(path, "utf8")).toContain('"n": 32768');
    expect(randomPassphrase()).not.toBe(passphrase);
  });

  it("refuses secrets that are not hexadecimal, and writes nothing", async () => {
    const none = join(folder, "bad.json");
    await expect(createKeystore(none, "x", { wallet: "0xzz" })).rejects.toMatchObject({ code: "keystore.badSecret" });
    await expect(stat(none)).rejects.toThrow();
  });

  async function copy(name: string, change: (text: string) => string): Promise<string> {
    const to = join(folder, name);
    await writeFile(to, change(await readFile(path, "utf8")), { mode: 0o600 });
    return to;
  }
});
