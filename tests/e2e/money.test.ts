import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { depinfer, discard, killChain, startTestNetwork, type TestNetwork, waitFor } from "./local-network.ts";
import { expectWhole, type MoneyTools, moneyTools, passStory } from "./money-tools.ts";

/* Money as its owner sees it: where it is, how it comes back, and that no unit is lost whatever dies. */

let network: TestNetwork;
let tools: MoneyTools;

beforeAll(async () => {
  network = await startTestNetwork(["--providers", "3", "--validators", "1"]);
  tools = await moneyTools(network);
}, 120_000);
afterAll(() => discard(network), 30_000);

test("a deposit goes in and out, and each step says what it does and what it cost", async () => {
  const before = await tools.placeOf("gateway", /^wallet$/);
  const plan = await tools.run("deposit", "25", "--dry-run");
  expect(plan).toContain("not sent");
  expect(await tools.placeOf("gateway", /^wallet$/)).toBe(before);
  const done = await tools.run("deposit", "25");
  expect(done).toMatch(/deposit \$25\.00 into Channels\n {2}fee about 0\.0*\d+ ETH \([\d,]+ gas\)/);
  expect(done).toMatch(/transaction 0x[0-9a-f]{64}, fee/);
  expect(await tools.placeOf("gateway", /^free deposit$/)).toBe(25_000_000n);
  await tools.run("withdraw", "5");
  expect(await tools.placeOf("gateway", /^free deposit$/)).toBe(20_000_000n);
  expect(await tools.placeOf("gateway", /^wallet$/)).toBe(before - 20_000_000n);
  const { code, stderr } = await depinfer("withdraw", "1000", "--home", network.home);
  expect(code).toBe(1);
  expect(stderr).toContain("InsufficientBalance");
}, 60_000);

test("pay per use is earned by who served, and the rest comes back after notice", async () => {
  await tools.ask(20);
  const settled = await tools.run("settle");
  expect(settled).toContain("claimed $0.0000");
  const earned = (await tools.where()).positions.filter(({ place }) => place === "earned");
  expect(earned).toHaveLength(1);
  await tools.run("claim", "--service", "provider");
  expect((await tools.where()).positions.filter(({ place }) => place === "earned")).toHaveLength(0);

  const inChannels = await tools.placeOf("gateway", /^channel to/);
  expect(inChannels).toBeGreaterThan(0n);
  expect(await tools.run("withdraw", "--channels")).toContain("give notice");
  const waiting = (await tools.where()).positions.find(({ place }) => place.startsWith("channel to"));
  expect(waiting?.unlocksAt).toBeGreaterThan(Date.now() / 1_000);
  await tools.pass(61);
  const free = await tools.placeOf("gateway", /^free deposit$/);
  const wallet = await tools.placeOf("gateway", /^wallet$/);
  expect(await tools.run("withdraw")).toContain("close the channel");
  expect(await tools.placeOf("gateway", /^channel to/)).toBe(0n);
  expect(await tools.placeOf("gateway", /^wallet$/)).toBe(wallet + free + inChannels);
}, 90_000);

test("stake is removed with notice and taken after it", async () => {
  expect(await tools.run("stake", "remove", "1", "--service", "provider-2")).toContain("unlocks in 7 d");
  const early = await depinfer("stake", "take", "--service", "provider-2", "--home", network.home);
  expect(early.code).toBe(1);
  expect(early.stderr).toContain("UnbondTooEarly");
  await tools.run("stake", "keep", "--service", "provider-2");
  await tools.run("stake", "add", "1", "--service", "provider-2");
  expect(await tools.run("stake", "show")).toMatch(/provider-2 +\$30\.00 +2 of 2/);
}, 60_000);

describe("a pass", () => {
  const QUOTA = 8_000;
  const PERIOD = 600;
  let tier = "";

  test("is bought, used up, refused with the next step, renewed, cancelled and refunded pro rata", async () => {
    expect(await tools.run("pass", "tiers")).toContain("A day of test tokens");
    tier = await tools.sellPass(PERIOD, QUOTA);
    await passStory(tools, tier, QUOTA);
  }, 180_000);

  test("that was not used up leaves its rest to those who served it, by a root and proofs", async () => {
    await tools.run("pass", "buy", tier);
    await tools.ask(30);
    await tools.run("settle");
    await tools.pass(PERIOD + 1);
    await tools.run("pass", "settle", "2").catch(() => undefined);
    await tools.pass(61);
    await tools.run("pass", "settle", "2");
    await tools.run("pass", "unuse");
    await tools.pass(PERIOD);
    // The indexer follows by itself.
    await waitFor(
      async () => (await tools.run("pass", "shares", tier)).includes("0x"),
      20_000,
      () => "no share was computed",
    );
    expect(await tools.run("pass", "share", tier)).toContain("transaction");
    const sharesEarly = await depinfer("pass", "claim-share", tier, "--home", network.home);
    expect(sharesEarly.code).toBe(1);
    expect(sharesEarly.stderr).toContain("SharesNotDue");
  }, 180_000);
});

test("buyer, provider and chain die in turn during 200 streams, and every unit is where it should be", async () => {
  const initial = (await tools.where()).supply.total;
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
  await tools.run("settle");
  expectWhole(await tools.where(), initial);
}, 300_000);

async function stream(): Promise<void> {
  for (let patience = 0; ; patience++) {
    try {
      const chunks = await tools.openai.chat.completions.create({
        model: tools.model,
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
