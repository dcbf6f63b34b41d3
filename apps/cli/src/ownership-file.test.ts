import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSigner } from "@depinfer/chain";
import { errorCode, type Hex } from "@depinfer/protocol";
import { afterAll, expect, test } from "vitest";
import { readOwnership, signOwnership, writeOwnership } from "./ownership-file.ts";

const folder = mkdtempSync(join(tmpdir(), "depinfer-ownership-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, "ownership.json");
const account = (digit: string): Hex => `0x${digit.repeat(40)}`;
const owner = createSigner(`0x${"17".repeat(32)}`);
const network = (registry: Hex, chainId = 1) => ({ chainId, addresses: { providerRegistry: registry } });

test("an owner's word comes back from its file", async () => {
  const ownership = signOwnership(owner, account("a"), network(account("b")));
  await writeOwnership(path, ownership);
  expect(readOwnership(path, account("a"), network(account("b")))).toEqual(ownership);
});

test.each([
  ["another operator", account("c"), network(account("b"))],
  ["other contracts", account("a"), network(account("c"))],
  ["another chain", account("a"), network(account("b"), 2)],
])("it is refused for %s", async (_, operator, elsewhere) => {
  await writeOwnership(path, signOwnership(owner, account("a"), network(account("b"))));
  expect(code(() => readOwnership(path, operator, elsewhere))).toBe("ownership.wrong");
});

test("nobody can be named an owner by somebody else", async () => {
  const { signature } = signOwnership(owner, account("a"), network(account("b")));
  await writeOwnership(path, { owner: account("d"), signature });
  expect(code(() => readOwnership(path, account("a"), network(account("b"))))).toBe("ownership.wrong");
});

test.each(["", "{", "[]", '{"owner":"0x1","signature":"0x"}', `{"owner":"${account("a")}","signature":"0x12"}`])(
  "a file with %j is unreadable",
  (text) => {
    writeFileSync(path, text);
    expect(code(() => readOwnership(path, account("a"), network(account("b"))))).toBe("ownership.unreadable");
  },
);

test("a signature of nobody's is refused as wrong", () => {
  writeFileSync(path, JSON.stringify({ owner: account("a"), signature: `0x${"00".repeat(65)}` }));
  expect(code(() => readOwnership(path, account("a"), network(account("b"))))).toBe("ownership.wrong");
});

function code(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return errorCode(error);
  }
}
