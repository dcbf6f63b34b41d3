import { GREEDY_CALIBRATION, judgeGreedy, screenLogprobs, type Verdict } from "@depinfer/proof";
import { parseBody, type Receipt, type Transcript } from "@depinfer/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Completion, Engine, ScoringEngine } from "./engine.ts";
import { createLlamaEngine } from "./llama/llama-engine.ts";
import { openReceipt } from "./opened-receipt.ts";
import { serveOpenAi, type TestServer, type TestServerOptions } from "./testing/openai-server.ts";
import { evidenceOf, recoverKey } from "./testing/receipt-of.ts";
import { createUpstreamEngine } from "./upstream/upstream-engine.ts";
import { createUpstreamReference } from "./upstream/upstream-reference.ts";
import { verifyGreedy } from "./verify-greedy.ts";
import { verifyReceipt } from "./verify-receipt.ts";

const models = new URL("../../../models/", import.meta.url).pathname;
const tiny = `${models}depinfer-tiny/depinfer-tiny.q8_0.gguf`;
const seed = new Uint8Array(32);
const bodyOf = (content: string, temperature = 0) => ({
  model: "served",
  messages: [{ role: "user", content }],
  temperature,
  max_tokens: 100,
});
const STORIES = ["fox", "dragon", "baker", "robot", "whale", "painter"].map(
  (who) => `Tell me a short story about a brave ${who}.`,
);

let own: ScoringEngine;
let flash: ScoringEngine;
let smaller: ScoringEngine;
let lower: ScoringEngine;
const servers: TestServer[] = [];
const upstreams: Engine[] = [];

beforeAll(async () => {
  own = await createLlamaEngine({ modelPath: tiny });
  flash = await createLlamaEngine({ modelPath: tiny, flashAttention: true });
  smaller = await createLlamaEngine({ modelPath: `${models}depinfer-nano/depinfer-nano.q8_0.gguf` });
  lower = await createLlamaEngine({ modelPath: `${models}depinfer-tiny/depinfer-tiny.q4_k_m.gguf` });
});
afterAll(async () => {
  for (const server of servers) {
    server.close();
  }
  await Promise.all([...upstreams, own, flash, smaller, lower].map((engine) => engine.dispose()));
});

/** An upstream provider over HTTP that says it serves our weights, whatever it really does. */
async function provider(options: TestServerOptions): Promise<Engine> {
  const server = await serveOpenAi(options);
  servers.push(server);
  const upstream = await createUpstreamEngine({ url: server.url, weights: own.description.runtimeClass.weights });
  upstreams.push(upstream);
  return upstream;
}

async function answer(engine: Engine, body: object): Promise<Completion> {
  const { generation } = parseBody("chat", Buffer.from(JSON.stringify(body)));
  const prompt = engine.prompt(generation);
  return engine.generate({ generation, prompt, seed, maxTokens: generation.maxTokens ?? 100 }, () => undefined);
}

async function verdictOn(
  engine: Engine,
  body: object,
  lies: { receipt?: Partial<Receipt>; transcript?: Partial<Transcript> } = {},
): Promise<Verdict> {
  const completion = await answer(engine, body);
  const evidence = evidenceOf({ description: engine.description, body, prompt: [], completion }, lies.receipt);
  const { runtimeClass } = engine.description;
  return verifyReceipt(
    { engine: own, recoverAddress: recoverKey },
    { ...evidence, transcript: { ...evidence.transcript, ...lies.transcript }, runtimeClass },
  );
}

/** What many answers together show, as one long answer would. */
async function together(verdicts: readonly Promise<Verdict>[]) {
  const all = await Promise.all(verdicts);
  const sum = (of: (verdict: Verdict) => number) => all.reduce((total, verdict) => total + of(verdict), 0);
  return judgeGreedy(
    {
      tokens: sum(({ statistic }) => statistic.tokens),
      informative: sum(({ statistic }) => statistic.informative),
      mismatches: sum(({ statistic }) => statistic.mismatches),
      meanMargin: 0,
      margins: [],
    },
    GREEDY_CALIBRATION,
  );
}

describe("an answer of level greedy", () => {
  test.each(["vllm", "llamacpp"] as const)("of the same weights on other arithmetic passes (%s)", async (kind) => {
    const honest = await provider({ engine: flash, kind });
    const verdicts = STORIES.map((story) => verdictOn(honest, bodyOf(story)));
    for (const verdict of await Promise.all(verdicts)) {
      expect(verdict.verdict).not.toBe("fail");
      expect(verdict.statistic.mismatches).toBe(0);
    }
    expect((await together(verdicts)).verdict).toBe("pass");
  });

  test("of a smaller model fails", async () => {
    const cheat = await provider({ engine: smaller, kind: "vllm" });
    const verdict = await verdictOn(cheat, bodyOf(STORIES[0] ?? ""));
    expect(verdict).toMatchObject({ verdict: "fail" });
    expect(verdict.pValue).toBeLessThan(1e-4);
  });

  test("of a smaller model fails although the true model's log-probabilities stand beside it", async () => {
    const cheat = await provider({ engine: smaller, logprobsBy: own, kind: "llamacpp" });
    const body = bodyOf(STORIES[1] ?? "");
    const { tokens, logprobs = [] } = await answer(cheat, body);
    const { generation } = parseBody("chat", Buffer.from(JSON.stringify(body)));
    const scored = await own.score(own.prompt(generation).tokens, tokens);
    expect(screenLogprobs(logprobs, scored)).toMatchObject({ plausible: true });
    expect(await verdictOn(cheat, body)).toMatchObject({ verdict: "fail" });
  });

  test("at a temperature above 0 is level none, since log-probabilities alone do not see that cheat", async () => {
    const cheat = await provider({ engine: smaller, logprobsBy: own, kind: "vllm" });
    const body = bodyOf(STORIES[2] ?? "", 1);
    const { generation } = parseBody("chat", Buffer.from(JSON.stringify(body)));
    const completion = await answer(cheat, body);
    const scored = await own.score(own.prompt(generation).tokens, completion.tokens);
    expect(screenLogprobs(completion.logprobs ?? [], scored).meanDifference).toBeLessThan(0.001);
    const evidence = evidenceOf({ description: cheat.description, body, prompt: [], completion });
    expect(evidence.signed.receipt.proofLevel).toBe("none");
    await expect(verifyReceipt({ engine: own, recoverAddress: recoverKey }, evidence)).rejects.toMatchObject({
      code: "verify.notProvable",
    });
    const lie = await verdictOn(cheat, body, { receipt: { proofLevel: "greedy" } });
    expect(lie).toMatchObject({ verdict: "fail", reason: "at temperature 1 the level greedy is none" });
  });

  test("with the smaller model's own log-probabilities is seen by the screen at any temperature", async () => {
    const careless = await provider({ engine: smaller, kind: "vllm" });
    const body = bodyOf(STORIES[3] ?? "", 1);
    const { generation } = parseBody("chat", Buffer.from(JSON.stringify(body)));
    const { tokens, logprobs = [] } = await answer(careless, body);
    const scored = await own.score(own.prompt(generation).tokens, tokens);
    expect(screenLogprobs(logprobs, scored).plausible).toBe(false);
  });

  test("of lower precision fails once there are enough tokens", async () => {
    const cheat = await provider({ engine: lower, kind: "vllm" });
    const verdicts = STORIES.map((story) => verdictOn(cheat, bodyOf(story)));
    expect((await together(verdicts)).verdict).toBe("fail");
  });

  test("is refused when it demanded more", async () => {
    const honest = await provider({ engine: own, kind: "vllm" });
    const verdict = await verdictOn(honest, { ...bodyOf(STORIES[4] ?? ""), proof: { min: "seeded" } });
    expect(verdict).toMatchObject({
      verdict: "fail",
      reason: "the request demanded at least seeded, the answer is greedy",
    });
  });

  test.each<[string, Partial<Receipt>, RegExp]>([
    ["one token more", { outputTokens: 101 }, /outputTokens is 101/],
    ["another channel", { channelId: `0x${"ee".repeat(32)}` }, /channelId/],
    ["another seed", { seedCommitment: `0x${"ee".repeat(32)}` }, /seedCommitment/],
  ])("whose receipt claims %s fails without being scored", async (_what, receipt, reason) => {
    const honest = await provider({ engine: own, kind: "vllm" });
    const verdict = await verdictOn(honest, bodyOf(STORIES[5] ?? ""), { receipt });
    expect(verdict).toMatchObject({ verdict: "fail", statistic: { tokens: 0 }, reason: expect.stringMatching(reason) });
  });

  test("whose text is not what its ids say fails", async () => {
    const honest = await provider({ engine: own, kind: "vllm" });
    const body = bodyOf(STORIES[0] ?? "");
    const completion = { ...(await answer(honest, body)), text: "Buy our honey." };
    const evidence = evidenceOf({ description: honest.description, body, prompt: [], completion });
    const { runtimeClass } = honest.description;
    const verdict = await verifyReceipt({ engine: own, recoverAddress: recoverKey }, { ...evidence, runtimeClass });
    expect(verdict).toMatchObject({ verdict: "fail", reason: expect.stringContaining("delivered text") });
  });

  test("is not judged by other weights, nor without its class", async () => {
    const honest = await provider({ engine: own, kind: "vllm" });
    const body = bodyOf(STORIES[0] ?? "");
    const completion = await answer(honest, body);
    const evidence = evidenceOf({ description: honest.description, body, prompt: [], completion });
    const { runtimeClass } = honest.description;
    for (const [engine, input] of [
      [lower, { ...evidence, runtimeClass }],
      [own, evidence],
      [own, { ...evidence, runtimeClass: own.description.runtimeClass }],
    ] as const) {
      await expect(verifyReceipt({ engine, recoverAddress: recoverKey }, input)).rejects.toMatchObject({
        code: "verify.wrongClass",
      });
    }
  });
});

describe("a second server", () => {
  test.each(["vllm", "llamacpp"] as const)("of kind %s finds what our own engine finds", async (kind) => {
    const server = await serveOpenAi({ engine: own, kind });
    servers.push(server);
    const { weights } = own.description.runtimeClass;
    const reference = await createUpstreamReference({ url: server.url, weights });
    for (const [engine, verdict] of [
      [own, /pass|inconclusive/],
      [smaller, /fail/],
    ] as const) {
      const judged = await provider({ engine, kind });
      const body = { ...bodyOf(STORIES[0] ?? ""), max_tokens: 60 };
      const completion = await answer(judged, body);
      const evidence = evidenceOf({ description: judged.description, body, prompt: [], completion });
      const opened = openReceipt(recoverKey, evidence);
      const { runtimeClass } = judged.description;
      const [first, second] = [
        await verifyGreedy(reference, opened, { runtimeClass }),
        await verifyGreedy(own, opened, { runtimeClass }),
      ];
      expect(first.verdict).toMatch(verdict);
      expect(first.verdict).toBe(second.verdict);
      expect(first.statistic.mismatches).toBe(second.statistic.mismatches);
    }
    await reference.close();
  });

  test("that gives no log-probabilities of given tokens cannot judge", async () => {
    const server = await serveOpenAi({ engine: own, kind: "openai" });
    servers.push(server);
    await expect(createUpstreamReference({ url: server.url })).rejects.toMatchObject({ code: "upstream.cannotScore" });
  });
});
