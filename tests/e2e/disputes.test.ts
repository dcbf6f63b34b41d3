import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { readPassphrase, walletAddress } from "../../apps/cli/src/identity.ts";
import { depinfer, discard, startTestNetwork, type TestNetwork } from "./local-network.ts";

/* Stories about disputes as users rehearse them, and the commands on a network that runs. */

const accountSchema = z.object({
  role: z.string(),
  account: z.string(),
  stakeBefore: z.coerce.bigint(),
  stakeAfter: z.coerce.bigint(),
  change: z.coerce.bigint(),
});
const storySchema = z.object({
  outcome: z.string(),
  accounts: z.array(accountSchema),
  claims: z.array(z.object({ says: z.string(), holds: z.boolean() })).min(1),
});

async function rehearse(story: string) {
  const { code, stdout, stderr } = await depinfer("rehearse", story, "--json");
  expect(code, stderr).toBe(0);
  expect(stderr).toContain("REHEARSAL");
  expect(stderr).toContain("test money");
  const told = storySchema.parse(JSON.parse(stdout));
  expect(told.claims.filter(({ holds }) => !holds)).toEqual([]);
  // What the command claims, once more from its figures.
  expect(told.accounts.reduce((sum, { change }) => sum + change, 0n)).toBe(0n);
  return { ...told, of: (role: string) => told.accounts.find((one) => one.role === role) };
}

describe("a rehearsal shows by its balances that", () => {
  test("a cheat that is switched off after answering loses its stake to buyer, reporter, jurors and sink", async () => {
    const { outcome, of, accounts } = await rehearse("cheat");
    expect(outcome).toBe("fail");
    expect(of("accused")).toMatchObject({ stakeBefore: 20_000_000n, stakeAfter: 0n, change: -20_000_000n });
    expect(of("buyer")?.change).toBeGreaterThan(0n);
    expect(of("reporter")?.change).toBe(5_000_000n);
    expect(accounts.filter(({ role, change }) => role.startsWith("validator") && change > 0n)).toHaveLength(3);
    expect(of("sink")?.change).toBeGreaterThan(10_000_000n);
  }, 240_000);

  test("a malicious accuser loses its bond and the honest provider nothing", async () => {
    const { outcome, of } = await rehearse("accusation");
    expect(outcome).toBe("pass");
    expect(of("accuser")?.change).toBe(-5_000_000n);
    expect(of("accused")).toMatchObject({ stakeBefore: 20_000_000n, stakeAfter: 20_000_000n });
    expect(of("accused")?.change).toBeGreaterThanOrEqual(2_500_000n);
  }, 240_000);

  test("jurors that pass a known cheat without looking lose stake", async () => {
    const { outcome, accounts, of } = await rehearse("lazy");
    expect(outcome).toBe("fail");
    const lazy = accounts.filter(({ role }) => role.endsWith("(lazy)"));
    expect(lazy.map(({ stakeAfter }) => stakeAfter)).toEqual([0n, 0n]);
    expect(of("accused")).toMatchObject({ stakeAfter: 20_000_000n, change: 0n });
  }, 240_000);
});

describe("on a network that runs", () => {
  let network: TestNetwork;
  const folder = mkdtempSync(join(tmpdir(), "depinfer-disputes-"));

  beforeAll(async () => {
    network = await startTestNetwork(["--providers", "1", "--validators", "3"]);
  }, 120_000);
  afterAll(async () => {
    await discard(network);
    rmSync(folder, { recursive: true, force: true });
  }, 30_000);

  test("anybody with a receipt file disputes it, and everybody sees the dispute in the list", async () => {
    const passphrase = readPassphrase(join(network.home, "passphrase"));
    const provider = await walletAddress(join(network.home, "provider-1"), passphrase);
    const models = z.object({ data: z.array(z.object({ id: z.string() })).min(1) });
    const { data } = await network.client.get("/v1/models", models);
    const answer = await network.client.chat(
      { model: data[0]?.id, messages: [{ role: "user", content: "Tell me a story." }], temperature: 0.9 },
      () => undefined,
    );
    const file = join(folder, "receipt.json");
    writeFileSync(file, JSON.stringify(await network.client.get(`/v1/receipts/${answer.receiptId}`, z.unknown())));
    const before = (await network.chain.stake.of(provider)).amount;

    const { code, stdout, stderr } = await depinfer("dispute", file, "--home", network.home, "--json");
    expect(code, stderr).toBe(1);
    expect(stderr).toContain("a jury of 3 has the evidence");
    const result = z
      .object({ id: z.string(), outcome: z.string(), accounts: z.array(accountSchema) })
      .parse(JSON.parse(stdout));
    expect(result.outcome).toBe("pass");
    expect(result.accounts.find(({ role }) => role === "challenger")?.change).toBe(-5_000_000n);
    expect((await network.chain.stake.of(provider)).amount).toBe(before);

    const list = await depinfer("disputes", "--home", network.home);
    expect(list.code).toBe(0);
    expect(list.stdout).toContain(result.id);
    expect(list.stdout).toContain("closed");
    const again = await depinfer("dispute", file, "--home", network.home);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain("AlreadyJudged");
  }, 180_000);

  test("what is no receipt is refused with a remedy", async () => {
    const { code, stderr } = await depinfer("dispute", "0xabc", "--home", network.home);
    expect(code).toBe(1);
    expect(stderr).toContain("neither a receipt's id nor a file");
    writeFileSync(join(folder, "none.json"), JSON.stringify({ id: "x", receipt: null }));
    expect((await depinfer("dispute", join(folder, "none.json"), "--home", network.home)).code).toBe(1);
  }, 60_000);
});
