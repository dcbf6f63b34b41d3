import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { depinfer, discard, startTestNetwork, type TestNetwork } from "./local-network.ts";

/* A provider dies in the middle of a sentence, and the reader does not notice. */

const folder = mkdtempSync(join(tmpdir(), "depinfer-continuation-"));
let network: TestNetwork;
let openai: OpenAI;
let model: string;
/** The service of each provider's account. */
const services = new Map<string, string>();

const offerList = z.object({ data: z.array(z.object({ provider: z.string(), peerId: z.string() })) });
const whySchema = z.object({
  attempts: z.array(z.object({ request: z.string(), kind: z.string(), provider: z.string(), outcome: z.string() })),
});
const receiptSchema = z.object({
  state: z.string(),
  cost: z.string(),
  receipt: z.object({ receipt: z.object({ outputTokens: z.number(), stopReason: z.string() }) }),
});

beforeAll(async () => {
  network = await startTestNetwork(["--providers", "3", "--validators", "1"]);
  openai = new OpenAI({ baseURL: `${network.access.url}/v1`, apiKey: network.access.apiKey, maxRetries: 0 });
  const { data } = await network.client.get("/v1/models", z.object({ data: z.array(z.object({ id: z.string() })) }));
  model = data[0]?.id ?? "";
  const positions = z.object({ positions: z.array(z.object({ service: z.string(), account: z.string() })) });
  const { stdout } = await depinfer("money", "where", "--home", network.home, "--json");
  for (const { service, account } of positions.parse(JSON.parse(stdout)).positions) {
    services.set(account.toLowerCase(), service);
  }
  const offers = await network.client.get("/v1/offers", offerList);
  expect(offers.data.every(({ provider }) => services.has(provider.toLowerCase()))).toBe(true);
  for (let i = 0; i < 12; i++) {
    await tell(20, i, () => undefined);
  }
}, 120_000);
afterAll(async () => {
  await discard(network);
  rmSync(folder, { recursive: true, force: true });
}, 30_000);

interface Told {
  readonly text: string;
  readonly id: string;
  readonly usage: OpenAI.CompletionUsage | null | undefined;
}

/** Streams a story; `onPiece` sees how many pieces came. */
async function tell(
  maxTokens: number,
  seed: number | null,
  onPiece: (pieces: number, id: string) => Promise<void> | undefined,
): Promise<Told> {
  const stream = await openai.chat.completions.create({
    model,
    messages: [{ role: "user", content: "Tell me a long story about a fox and a bear." }],
    temperature: 1.4,
    max_tokens: maxTokens,
    stream: true,
    stream_options: { include_usage: true },
    ...(seed === null ? {} : { seed }),
  });
  let [text, id, pieces] = ["", "", 0];
  let usage: Told["usage"];
  for await (const chunk of stream) {
    expect(id === "" || chunk.id === id, "one id per stream").toBe(true);
    id = chunk.id;
    usage = chunk.usage ?? usage;
    const piece = chunk.choices[0]?.delta.content ?? "";
    if (piece !== "") {
      text += piece;
      pieces += 1;
      await onPiece(pieces, id);
    }
  }
  return { text, id, usage };
}

async function why(id: string) {
  return (await network.client.get(`/v1/requests/${id}/why`, whySchema)).attempts;
}

/** Pieces after which a provider is held up, and after which it is killed. */
const [HELD_AT, KILLED_AT] = [25, 60];
/** Longer than a provider streams before it signs for a part. */
const HELD_MS = 600;

/**
 * Tells a story whose provider is held up for a moment, as a slower machine would be, and then killed without a word; again,
 * when it was done before it died.
 */
async function brokenStory(seed: number | null): Promise<Told> {
  for (let patience = 0; patience < 4; patience++) {
    let held: Promise<number> | undefined;
    let killed: Promise<void> | undefined;
    const told = await tell(400, seed, (pieces, id) => {
      if (pieces === HELD_AT) {
        held = holdUp(id);
      } else if (pieces === KILLED_AT) {
        killed = held?.then((pid) => void process.kill(pid, "SIGKILL"));
      }
      return undefined;
    });
    await killed;
    const [first, ...others] = await why(told.id);
    if (others.length > 0 && (await signed(first?.request ?? ""))) {
      return told;
    }
    // Whoever was killed too late is back before the next try.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
  }
  throw new Error("no answer was under way long enough to be broken");
}

/** Pid of whoever serves an answer. */
async function serving(id: string): Promise<number> {
  const attempts = await why(id);
  return network.pid(services.get(attempts.at(-1)?.provider.toLowerCase() ?? "") ?? "");
}

/** Whether a part is under a receipt. */
async function signed(request: string): Promise<boolean> {
  const found = await network.client.get(`/v1/receipts/${request}`, z.object({ receipt: z.unknown() }));
  return found.receipt !== null;
}

/** Pid of who was held up. */
async function holdUp(id: string): Promise<number> {
  const pid = await serving(id);
  process.kill(pid, "SIGSTOP");
  await new Promise((resolve) => setTimeout(resolve, HELD_MS));
  process.kill(pid, "SIGCONT");
  return pid;
}

/** Verifies each part's receipt, and returns what all of them say. */
async function verified(id: string): Promise<{ cost: bigint; outputTokens: number; parts: number }> {
  let [cost, outputTokens, parts] = [0n, 0, 0];
  for (const { request } of await why(id)) {
    const found = await network.client.get(`/v1/receipts/${request}`, z.looseObject({}));
    const { receipt, ...rest } = receiptSchema.parse(found);
    const file = join(folder, `${request}.json`);
    writeFileSync(file, JSON.stringify(found));
    const { code, stdout, stderr } = await depinfer("verify", file, "--home", network.home);
    // A short part may be too little to tell; it must not fail.
    expect([0, 2], `${stdout}${stderr}`).toContain(code);
    cost += BigInt(rest.cost);
    outputTokens += receipt.receipt.outputTokens;
    parts += 1;
  }
  return { cost, outputTokens, parts };
}

test("the same text as the unbroken answer, charged once, under receipts that verify", async () => {
  const whole = await tell(400, 11, () => undefined);
  const broken = await brokenStory(11);
  expect(broken.text).toBe(whole.text);
  expect(broken.usage).toMatchObject({ completion_tokens: whole.usage?.completion_tokens ?? -1 });
  const parts = await verified(broken.id);
  expect(parts.parts).toBe(2);
  expect(parts.outputTokens).toBe(whole.usage?.completion_tokens);
}, 120_000);

test("without a seed of the app's the rest is drawn from the first provider's randomness", async () => {
  const broken = await brokenStory(null);
  const parts = await verified(broken.id);
  expect(parts.parts).toBe(2);
  expect(parts.outputTokens).toBe(broken.usage?.completion_tokens);
  const { code, stdout } = await depinfer("why", broken.id, "--home", network.home);
  expect(code).toBe(0);
  expect(stdout).toContain("was drawn to go on with the answer: answered.");
}, 120_000);
