import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { depinfer, discard, killChain, rpc, startTestNetwork, type TestNetwork, waitFor } from "./local-network.ts";

/* Money as its owner sees it: where it is, how it comes back, and that no unit is lost whatever dies. */

let network: TestNetwork;
let openai: OpenAI;
let model = "";

beforeAll(async () => {
  network = await startTestNetwork(["--providers", "3", "--validators", "1"]);
  openai = new OpenAI({ baseURL: `${network.access.url}/v1`, apiKey: network.access.apiKey, maxRetries: 0 });
  model = (await openai.models.list()).data[0]?.id ?? "";
}, 120_000);
afterAll(() => discard(network), 30_000);

const units = z.string().transform(BigInt);
const whereSchema = z.object({
  total: units,
  positions: z.array(
    z.object({
      service: z.string(),
      keeper: z.string(),
      place: z.string(),
      amount: units,
      unlocksAt: z.number().optional(),
      frees: z.string(),
    }),
  ),
  supply: z.object({ total: units, keepers: z.array(z.object({ keeper: z.string(), held: units, ours: units })) }),
});

async function run(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await depinfer(...args, "--home", network.home);
  expect(code, `${args.join(" ")}: ${stderr}`).toBe(0);
  return stdout;
}

async function where() {
  return whereSchema.parse(JSON.parse(await run("money", "where", "--json")));
}

async function placeOf(service: string, place: RegExp): Promise<bigint> {
  const { positions } = await where();
  return positions
    .filter((position) => position.service === service && place.test(position.place))
    .reduce((sum, { amount }) => sum + amount, 0n);
}

const ask = (maxTokens: number) =>
  openai.chat.completions.create({
    model,
    messages: [{ role: "user", content: "Tell me a short story about a fox." }],
    max_tokens: maxTokens,
  });

/** Makes the chain's clock go on. */
async function pass(seconds: number): Promise<void> {
  await rpc(network.chain.rpcUrl, "evm_increaseTime", [seconds]);
  await rpc(network.chain.rpcUrl, "evm_mine", []);
}

test("a deposit goes in and out, and each step says what it does and what it cost", async () => {
  const before = await placeOf("gateway", /^wallet$/);
  const plan = await run("deposit", "25", "--dry-run");
  expect(plan).toContain("not sent");
  expect(await placeOf("gateway", /^wallet$/)).toBe(before);
  const done = await run("deposit", "25");
  expect(done).toMatch(/deposit \$25\.00 into Channels\n {2}fee about 0\.0*\d+ ETH \([\d,]+ gas\)/);
  expect(done).toMatch(/transaction 0x[0-9a-f]{64}, fee/);
  expect(await placeOf("gateway", /^free deposit$/)).toBe(25_000_000n);
  await run("withdraw", "5");
  expect(await placeOf("gateway", /^free deposit$/)).toBe(20_000_000n);
  expect(await placeOf("gateway", /^wallet$/)).toBe(before - 20_000_000n);
  const { code, stderr } = await depinfer("withdraw", "1000", "--home", network.home);
  expect(code).toBe(1);
  expect(stderr).toContain("InsufficientBalance");
}, 60_000);

test("pay per use is earned by who served, and the rest comes back after notice", async () => {
  await ask(20);
  const settled = await run("settle");
  expect(settled).toContain("claimed $0.0000");
  const earned = (await where()).positions.filter(({ place }) => place === "earned");
  expect(earned).toHaveLength(1);
  await run("claim", "--service", "provider");
  expect((await where()).positions.filter(({ place }) => place === "earned")).toHaveLength(0);

  const inChannels = await placeOf("gateway", /^channel to/);
  expect(inChannels).toBeGreaterThan(0n);
  expect(await run("withdraw", "--channels")).toContain("give notice");
  const waiting = (await where()).positions.find(({ place }) => place.startsWith("channel to"));
  expect(waiting?.unlocksAt).toBeGreaterThan(Date.now() / 1_000);
  await pass(61);
  const free = await placeOf("gateway", /^free deposit$/);
  const wallet = await placeOf("gateway", /^wallet$/);
  expect(await run("withdraw")).toContain("close the channel");
  expect(await placeOf("gateway", /^channel to/)).toBe(0n);
  expect(await placeOf("gateway", /^wallet$/)).toBe(wallet + free + inChannels);
}, 90_000);

test("stake is removed with notice and taken after it", async () => {
  expect(await run("stake", "remove", "1", "--service", "provider-2")).toContain("unlocks in 7 d");
  const early = await depinfer("stake", "take", "--service", "provider-2", "--home", network.home);
  expect(early.code).toBe(1);
  expect(early.stderr).toContain("UnbondTooEarly");
  await run("stake", "keep", "--service", "provider-2");
  await run("stake", "add", "1", "--service", "provider-2");
  expect(await run("stake", "show")).toMatch(/provider-2 +\$30\.00 +2 of 2/);
}, 60_000);

describe("a pass", () => {
  const QUOTA = 8_000;
  const PERIOD = 600;
  const tiersSchema = z.array(z.object({ id: z.string(), metadata: z.string() }));
  let tier = "";

  test("is bought, used up, refused with the next step, renewed, cancelled and refunded pro rata", async () => {
    await run(
      "pass",
      "sell",
      "--price",
      "2",
      "--seconds",
      String(PERIOD),
      "--tokens",
      String(QUOTA),
      "--description",
      "a test",
    );
    expect(await run("pass", "tiers")).toContain("A day of test tokens");
    const tiers = tiersSchema.parse(JSON.parse(await run("pass", "tiers", "--json")));
    tier = tiers.find(({ metadata }) => metadata.includes("a test"))?.id ?? "";
    const wallet = await placeOf("gateway", /^wallet$/);
    expect(await run("pass", "buy", tier)).toContain("pass 1");
    expect(await placeOf("gateway", /^wallet$/)).toBe(wallet - 2_000_000n);

    let served = 0;
    const refusal = await (async () => {
      for (let request = 0; request < 200; request++) {
        try {
          served += (await ask(150)).usage?.total_tokens ?? 0;
        } catch (error) {
          return error;
        }
      }
      return null;
    })();
    // Each of three channels keeps what one more request could cost at most; the rest of the quota can be used.
    expect(served, String(refusal)).toBeGreaterThan(QUOTA * 0.6);
    expect(served).toBeLessThanOrEqual(QUOTA);
    expect(refusal).toBeInstanceOf(OpenAI.APIError);
    expect(refusal).toMatchObject({ status: 402, code: expect.stringMatching(/^pass\.(quotaSpent|insufficient)$/) });
    expect(String(refusal)).toContain("renew");
    // The wallet paid for none of it.
    expect(await placeOf("gateway", /^wallet$/)).toBe(wallet - 2_000_000n);

    await run("pass", "renew", "1");
    expect((await ask(30)).usage?.total_tokens).toBeGreaterThan(0);

    await run("settle");
    const spent = await paidToProviders();
    expect(await run("pass", "cancel", "1")).toContain("come back");
    const after = await ask(10).catch((error: unknown) => error);
    expect(after).toMatchObject({ status: 402 });
    await pass(61);
    await run("pass", "settle", "1");
    const refund = await placeOf("gateway", /^refunded by passes$/);
    // Two periods were paid and next to no time went by: what was not spent comes back, with its part of the fee.
    const [net, fee] = [3_800_000n, 200_000n];
    expect(refund).toBeLessThanOrEqual(net - spent + (fee * (net - spent)) / net);
    expect(refund).toBeGreaterThan(((net - spent) * 80n) / 100n);
    await run("claim", "--service", "gateway");
    expect(await placeOf("gateway", /^refunded by passes$/)).toBe(0n);
    await run("pass", "unuse");
    expect((await ask(10)).usage?.total_tokens).toBeGreaterThan(0);
  }, 180_000);

  test("that was not used up leaves its rest to those who served it, by a root and proofs", async () => {
    await run("pass", "buy", tier);
    await ask(30);
    await run("settle");
    await pass(PERIOD + 1);
    await run("pass", "settle", "2").catch(() => undefined);
    await pass(61);
    await run("pass", "settle", "2");
    await run("pass", "unuse");
    await pass(PERIOD);
    // The indexer follows by itself.
    await waitFor(
      async () => (await run("pass", "shares", tier)).includes("0x"),
      20_000,
      () => "no share was computed",
    );
    expect(await run("pass", "share", tier)).toContain("transaction");
    const sharesEarly = await depinfer("pass", "claim-share", tier, "--home", network.home);
    expect(sharesEarly.code).toBe(1);
    expect(sharesEarly.stderr).toContain("SharesNotDue");
  }, 180_000);
});

/** Units that providers have claimed on channels of passes. */
async function paidToProviders(): Promise<bigint> {
  const pass1 = await network.chain.passes.pass(1n);
  const states = await Promise.all(
    (pass1?.channels ?? []).map(({ config }) => network.chain.channels.state(network.chain.channels.idOf(config))),
  );
  return states.reduce((sum, { settled }) => sum + settled, 0n);
}

test("buyer, provider and chain die in turn during 200 streams, and every unit is where it should be", async () => {
  const initial = (await where()).supply.total;
  // What the chain saved is what it remembers after it is killed.
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  let [answered, failed] = [0, 0];
  const streams = Array.from({ length: 4 }, async () => {
    for (let i = 0; i < 50; i++) {
      await stream().then(
        () => (answered += 1),
        () => (failed += 1),
      );
    }
  });
  const victims = [
    () => process.kill(network.pid("provider-1"), "SIGKILL"),
    () => process.kill(network.pid("gateway"), "SIGKILL"),
    () => killChain(network),
    () => process.kill(network.pid("provider-3"), "SIGKILL"),
  ];
  let over = false;
  const all = Promise.all(streams).then(() => {
    over = true;
  });
  for (const kill of victims) {
    const at = answered;
    await waitFor(
      () => over || answered >= at + 30,
      60_000,
      () => `only ${answered} answered, ${failed} failed`,
    );
    kill();
  }
  await all;
  expect(answered + failed).toBe(200);
  // What was under way when the buyer or its provider died may fail; the rest must not.
  expect(failed).toBeLessThanOrEqual(20);
  await run("settle");
  const { supply, positions, total } = await where();
  expect(supply.total).toBe(initial);
  const kept = (keeper: string) => supply.keepers.find((entry) => entry.keeper === keeper) ?? { held: -1n, ours: 0n };
  expect(kept("elsewhere").held).toBe(0n);
  // Every unit in escrow, in stake and in bonds is some service's.
  expect(kept("channels").held).toBe(kept("channels").ours);
  expect(kept("stakeVault").held).toBe(kept("stakeVault").ours);
  expect(kept("disputes").held).toBe(kept("disputes").ours);
  const commons = supply.keepers.reduce((sum, { held, ours }) => sum + held - ours, 0n);
  expect(total + commons).toBe(initial);
  expect(positions.reduce((sum, { amount }) => sum + amount, 0n)).toBe(total);
}, 300_000);

async function stream(): Promise<void> {
  for (let patience = 0; ; patience++) {
    try {
      const chunks = await openai.chat.completions.create({
        model,
        messages: [{ role: "user", content: "Tell me a short story about a fox." }],
        max_tokens: 24,
        stream: true,
      });
      for await (const _ of chunks) {
        // Read to the end.
      }
      return;
    } catch (error) {
      // Nobody listens while the gateway starts again; a client waits for that.
      if (!(error instanceof OpenAI.APIConnectionError) || patience > 60) {
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}
