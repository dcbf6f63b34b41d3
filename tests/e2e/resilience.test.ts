import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { depinfer, discard, killChain, startTestNetwork, type TestNetwork, waitFor } from "./local-network.ts";

/* Processes die without a word; users should not notice, and no unit of money may differ. */

let network: TestNetwork;
const body = {
  model: "",
  messages: [{ role: "user", content: "Tell me a short story about a fox." }],
  temperature: 0.7,
  max_tokens: 20,
};

beforeAll(async () => {
  network = await startTestNetwork([]);
  const { data } = await network.client.get("/v1/models", z.object({ data: z.array(z.object({ id: z.string() })) }));
  body.model = data[0]?.id ?? "";
  for (let i = 0; i < 12; i++) {
    await ask();
  }
}, 120_000);
afterAll(() => discard(network), 30_000);

const ask = () => network.client.chat(body, () => undefined);
const moneySchema = z.object({
  total: z.string(),
  positions: z.array(z.object({ service: z.string(), account: z.string(), place: z.string(), amount: z.string() })),
});

async function money() {
  const { stdout, code, stderr } = await depinfer("money", "where", "--home", network.home, "--json");
  expect(code, stderr).toBe(0);
  return moneySchema.parse(JSON.parse(stdout));
}

/** Requests and what each cost. The state of one whose end was not seen may still be cleared up. */
async function history(): Promise<string> {
  const schema = z.object({ data: z.array(z.object({ id: z.string(), cost: z.string() })) });
  const { data } = await network.client.get("/v1/receipts", schema);
  return data.map(({ id, cost }) => `${id.slice(0, 10)} ${cost}`).join("\n");
}

test("a provider killed between requests is not noticed", async () => {
  for (const name of ["provider-1", "provider-2", "provider-3"]) {
    process.kill(network.pid(name), "SIGKILL");
    // At once, before anyone can have seen that it is gone.
    for (let i = 0; i < 4; i++) {
      expect((await ask()).finishReason).not.toBe("");
    }
  }
}, 60_000);

test("requests go on while providers are killed in turn under load", async () => {
  let answered = 0;
  const failures: string[] = [];
  const load = Array.from({ length: 3 }, async () => {
    for (let i = 0; i < 12; i++) {
      await ask().then(
        () => (answered += 1),
        (error: unknown) => failures.push(String(error)),
      );
    }
  });
  await new Promise((resolve) => setTimeout(resolve, 300));
  process.kill(network.pid("provider-4"), "SIGKILL");
  await Promise.all(load);
  // A stream that had begun may break, with an error; nothing else may.
  expect(failures.length).toBeLessThanOrEqual(2);
  expect(answered).toBeGreaterThanOrEqual(34);
}, 90_000);

test.each(["gateway", "validator-1"])(
  "a killed %s is back within five seconds, with its money",
  async (name) => {
    const before = await money();
    const past = await history();
    const pid = network.pid(name);
    process.kill(pid, "SIGKILL");
    await waitFor(
      () => network.pid(name) !== pid,
      5_000,
      () => `${name} is not back:\n${network.output().slice(-500)}`,
    );
    if (name === "gateway") {
      await network.client.waitForOffers(1);
    }
    expect(await money()).toEqual(before);
    expect(await history()).toBe(past);
    expect((await ask()).text).not.toBe("");
  },
  60_000,
);

test("a killed chain comes back with its contracts, and money goes on moving", async () => {
  expect((await depinfer("settle", "--home", network.home)).code).toBe(0);
  // Its state is saved every few seconds; what was said since then counts as a reorganisation.
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  const before = await money();
  const { stdout } = await depinfer("doctor", "--home", network.home, "--json");
  expect(stdout).toContain("block");
  killChain(network);
  await waitFor(
    async () => (await network.chain.blockNumber().catch(() => 0n)) > 0n,
    20_000,
    () => "the chain is not back",
  );
  expect(await money()).toEqual(before);
  await ask();
  const { code, stdout: claimed } = await depinfer("settle", "--home", network.home);
  expect(code).toBe(0);
  expect(claimed).toContain("claimed");
}, 90_000);

test("Ctrl-C ends everything within five seconds, and the next start has the same keys, balances and history", async () => {
  await depinfer("settle", "--home", network.home);
  const before = await money();
  const past = await history();
  const { home, access } = network;
  expect(await network.stop()).toBeLessThan(5_000);
  await expect(network.chain.blockNumber(), "the chain has ended too").rejects.toMatchObject({
    code: "chain.unreachable",
  });
  network = await startTestNetwork([], home);
  expect(network.access.apiKey).toBe(access.apiKey);
  expect(await money()).toEqual(before);
  expect(await history()).toBe(past);
  expect((await ask()).text).not.toBe("");
}, 120_000);

test("a second network in the same home is refused with its process", async () => {
  const { code, stderr } = await depinfer("up", "--home", network.home);
  expect(code).toBe(1);
  expect(stderr).toContain("runs in");
  expect(stderr).toContain("--home");
});
