import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deriveSeed, promptHash, seedCommitment, textHash, transcriptRoot } from "@depinfer/proof";
import {
  costDown,
  encodeRequest,
  errorCode,
  microUsd,
  type NamedTensors,
  PLAIN_SAMPLING,
  parseTensorBody,
  parseTensorText,
  type Receipt,
  type RequestTerms,
  requestHash,
  type Transcript,
  tensorsToJson,
  tensorText,
  tensorWords,
} from "@depinfer/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ReceiptEvidence } from "../opened-receipt.ts";
import type { TensorEngine } from "../tensor-engine.ts";
import { createTensorProvider } from "../tensor-provider.ts";
import { INPUT_SIZE, numbers, type TinyModelOptions, tinyOnnxModel } from "../testing/onnx-model.ts";
import { RECEIPT_KEY, recoverKey } from "../testing/receipt-of.ts";
import { tensorDistance } from "./compare-tensors.ts";
import { createOnnxEngine, type OnnxEngineOptions } from "./onnx-engine.ts";
import { judgeBetweenClasses, verifyTensors } from "./verify-tensors.ts";

const folder = mkdtempSync(join(tmpdir(), "onnx-"));
const engines: TensorEngine[] = [];
let files = 0;

async function open(model: TinyModelOptions = {}, options: Omit<OnnxEngineOptions, "modelPath"> = {}) {
  const modelPath = join(folder, `${files++}.onnx`);
  writeFileSync(modelPath, tinyOnnxModel(model));
  const engine = await createOnnxEngine({ modelPath, ...options });
  engines.push(engine);
  return engine;
}

const word = (byte: number) => `0x${byte.toString(16).padStart(2, "0").repeat(32)}` as const;
const inputOf = (seed: number): NamedTensors => ({
  x: { type: "float32", shape: [1, INPUT_SIZE], bytes: new Uint8Array(numbers(seed, INPUT_SIZE).buffer) },
});

/** What a provider of class `of` would sign for outputs that it claims for these inputs. */
function evidenceOf(
  of: TensorEngine,
  inputs: NamedTensors,
  outputs: NamedTensors,
  lies: { receipt?: Partial<Receipt>; transcript?: Partial<Transcript>; body?: object } = {},
): ReceiptEvidence {
  const prices = {
    inputPerMillion: microUsd(1_000_000),
    cachedInputPerMillion: microUsd(1_000_000),
    outputPerMillion: microUsd(1_000_000),
  };
  const { classId } = of.description;
  const terms: RequestTerms = {
    v: 1,
    requestId: word(1),
    endpoint: "infer",
    classId,
    channelId: word(2),
    buyerNonce: word(3),
    maxOutputTokens: 1_000,
    prices,
    audit: "public",
  };
  const body = { model: "tiny", inputs: tensorsToJson(inputs), ...lies.body };
  const request = encodeRequest({ terms, body: Buffer.from(JSON.stringify(body)) });
  const text = tensorText(outputs);
  const usage = { promptTokens: tensorWords(inputs), cachedTokens: 0, outputTokens: tensorWords(outputs) };
  const receipt: Receipt = {
    ...usage,
    promptHash: promptHash([]),
    transcriptRoot: transcriptRoot([]),
    textHash: textHash(text),
    stopReason: "end",
    proofLevel: "replay",
    requestId: terms.requestId,
    requestHash: requestHash(request),
    classId,
    seedCommitment: seedCommitment(deriveSeed({ ...terms, providerNonce: word(4), userSeed: null })),
    channelId: terms.channelId,
    provider: RECEIPT_KEY,
    cost: costDown(usage, prices),
    startedAt: 1,
    finishedAt: 2,
    ...lies.receipt,
  };
  return {
    signed: { receipt, signature: "0x" },
    transcript: {
      request: Buffer.from(request).toString("base64"),
      providerNonce: word(4),
      outputTokens: [],
      text,
      ...lies.transcript,
    },
    binding: { chainId: 1, verifyingContract: RECEIPT_KEY },
    receiptKey: RECEIPT_KEY,
  };
}

let honest: TensorEngine;
let validator: TensorEngine;
let unoptimised: TensorEngine;
let basic: TensorEngine;
let quantised: TensorEngine;
let others: TensorEngine;

beforeAll(async () => {
  honest = await open();
  validator = await open();
  unoptimised = await open({}, { optimisation: "disabled" });
  basic = await open({}, { optimisation: "basic" });
  quantised = await open({ quantised: true });
  others = await open({ seed: 2 });
});
afterAll(async () => {
  await Promise.all(engines.map((engine) => engine.dispose()));
  rmSync(folder, { recursive: true, force: true });
});

describe("an engine of tensors", () => {
  test("has a class that pins weights, build, optimisation, threads and processor", async () => {
    const ids = [honest, unoptimised, basic, quantised, others, await open({}, { threads: 2 })].map(
      ({ description }) => description.classId,
    );
    expect(new Set(ids).size).toBe(ids.length);
    expect(validator.description.classId).toBe(honest.description.classId);
    expect(honest.description).toMatchObject({ proofLevel: "replay", runtimeClass: { sampler: "tensor/1" } });
  });

  test("gives probabilities that add up, the same ones each time", async () => {
    const [first, second] = [await honest.infer(inputOf(7)), await honest.infer(inputOf(7))];
    expect(first.y).toMatchObject({ type: "float32", shape: [1, 10] });
    const values = new Float32Array(first.y?.bytes.slice().buffer ?? new ArrayBuffer(0));
    expect(values.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
    expect(tensorText(second)).toBe(tensorText(first));
  });

  test.each<[string, NamedTensors]>([
    ["nothing", {}],
    ["another name", { z: inputOf(1).x ?? { type: "float32", shape: [0], bytes: new Uint8Array() } }],
    ["another shape", { x: { type: "float32", shape: [1, 2], bytes: new Uint8Array(8) } }],
    ["another type", { x: { type: "int32", shape: [1, INPUT_SIZE], bytes: new Uint8Array(4 * INPUT_SIZE) } }],
  ])("refuses %s and works on", async (_what, inputs) => {
    await expect(honest.infer(inputs)).rejects.toMatchObject({ code: "tensor.badInput" });
    expect(await honest.infer(inputOf(1))).toHaveProperty("y");
  });

  test("does not open what is no model", async () => {
    const path = join(folder, "noise.onnx");
    writeFileSync(path, Buffer.from("no model at all"));
    expect(await createOnnxEngine({ modelPath: path }).catch(errorCode)).toBe("model.corrupt");
    expect(await createOnnxEngine({ modelPath: join(folder, "nowhere.onnx") }).catch(errorCode)).toBe("model.missing");
  });
});

describe("an answer of level replay", () => {
  const judge = (evidence: ReceiptEvidence) =>
    verifyTensors({ engine: validator, recoverAddress: recoverKey }, evidence);

  test("passes bit by bit on another machine of its class", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const inputs = inputOf(seed);
      const verdict = await judge(evidenceOf(honest, inputs, await honest.infer(inputs)));
      expect(verdict).toMatchObject({ verdict: "pass", statistic: { tokens: 10, mismatches: 0 } });
    }
  });

  test("fails when it came from other weights, from rounded weights, or from another input", async () => {
    const inputs = inputOf(3);
    for (const outputs of [await others.infer(inputs), await quantised.infer(inputs), await honest.infer(inputOf(4))]) {
      expect(await judge(evidenceOf(honest, inputs, outputs))).toMatchObject({ verdict: "fail" });
    }
  });

  test("fails when a single bit is another", async () => {
    const inputs = inputOf(5);
    const { y } = await honest.infer(inputs);
    const bytes = y?.bytes.slice() ?? new Uint8Array();
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    const verdict = await judge(evidenceOf(honest, inputs, { y: { type: "float32", shape: [1, 10], bytes } }));
    expect(verdict).toMatchObject({ verdict: "fail", statistic: { tokens: 10, mismatches: 1 } });
  });

  test.each<[string, Partial<Receipt>, RegExp]>([
    ["a level that tensors do not have", { proofLevel: "seeded" }, /proofLevel/],
    ["more words", { outputTokens: 1_000 }, /outputTokens/],
    ["a higher cost", { cost: microUsd(1_000_000) }, /cost/],
    ["another text", { textHash: word(9) }, /textHash/],
  ])("fails without computing when its receipt claims %s", async (_what, receipt, reason) => {
    const inputs = inputOf(6);
    const verdict = await judge(evidenceOf(honest, inputs, await honest.infer(inputs), { receipt }));
    expect(verdict).toMatchObject({ verdict: "fail", reason: expect.stringMatching(reason), statistic: { tokens: 0 } });
  });

  test("fails when the request demanded more", async () => {
    const inputs = inputOf(6);
    const evidence = evidenceOf(honest, inputs, await honest.infer(inputs), { body: { proof: { min: "attested" } } });
    expect(await judge(evidence)).toMatchObject({ verdict: "fail", reason: expect.stringContaining("attested") });
  });

  test("fails when its text is not the one canonical text of its tensors", async () => {
    const inputs = inputOf(6);
    const outputs = await honest.infer(inputs);
    const spaced = JSON.stringify(JSON.parse(tensorText(outputs)), null, 1);
    for (const text of [spaced, "{", '{"y":{"data":"AAAA","shape":[1],"type":"int8"}}']) {
      const lies = { transcript: { text }, receipt: { textHash: textHash(text) } };
      expect(await judge(evidenceOf(honest, inputs, outputs, lies))).toMatchObject({
        verdict: "fail",
        reason: expect.stringContaining("canonical text"),
      });
    }
  });

  test("that was cancelled has to be the beginning of the answer, or the whole of it", async () => {
    const inputs = inputOf(6);
    const [right, wrong] = [await honest.infer(inputs), await others.infer(inputs)];
    const cost = microUsd(INPUT_SIZE + 1);
    const cancelled = (outputs: NamedTensors, length?: number) => {
      const text = tensorText(outputs).slice(0, length);
      const receipt = { stopReason: "cancelled", textHash: textHash(text), outputTokens: 1, cost } as const;
      return evidenceOf(honest, inputs, outputs, { transcript: { text }, receipt });
    };
    expect(await judge(cancelled(right, 30))).toMatchObject({ verdict: "pass", statistic: { tokens: 0 } });
    expect(await judge(cancelled(right))).toMatchObject({ verdict: "pass", statistic: { tokens: 10 } });
    expect(await judge(cancelled(wrong, 30))).toMatchObject({ verdict: "fail" });
    expect(await judge(cancelled(wrong))).toMatchObject({ verdict: "fail" });
  });

  test("is not judged by a request that it does not sign for, by another key, nor by another class", async () => {
    const inputs = inputOf(6);
    const evidence = evidenceOf(honest, inputs, await honest.infer(inputs));
    const edited = { ...evidence.transcript, request: Buffer.from("other").toString("base64") };
    await expect(judge({ ...evidence, transcript: edited })).rejects.toMatchObject({ code: "transcript.notOpening" });
    await expect(judge({ ...evidence, receiptKey: `0x${"77".repeat(20)}` })).rejects.toMatchObject({
      code: "receipt.badSignature",
    });
    await expect(verifyTensors({ engine: basic, recoverAddress: recoverKey }, evidence)).rejects.toMatchObject({
      code: "verify.wrongClass",
    });
  });
});

describe("tensors on the market", () => {
  const request = (inputs: NamedTensors, maxTokens = 100) => ({
    generation: {
      ...PLAIN_SAMPLING,
      prompt: { tensors: inputs },
      temperature: 0,
      seed: null,
      stop: [],
      maxTokens: null,
    },
    prompt: { tokens: [] },
    seed: new Uint8Array(32),
    maxTokens,
  });

  test("are served as their canonical text, counted in words", async () => {
    const provider = createTensorProvider(honest);
    const pieces: string[] = [];
    const completion = await provider.generate(request(inputOf(1)), (_tokens, text) => {
      pieces.push(text);
      return undefined;
    });
    expect(pieces.join("")).toBe(completion.text);
    expect(completion).toMatchObject({ stopReason: "end", tokens: [], promptTokens: INPUT_SIZE, outputTokens: 10 });
    expect(parseTensorText(completion.text)).toEqual(await honest.infer(inputOf(1)));
  });

  test("are refused by engines of text, text by engines of tensors, and both when they are too large", async () => {
    const provider = createTensorProvider(honest);
    const { generation } = request(inputOf(1));
    const text = { ...generation, prompt: { text: "hello" } };
    expect(() => provider.prompt(text)).toThrow(expect.objectContaining({ code: "request.invalid" }));
    await expect(provider.generate(request(inputOf(1), 9), () => undefined)).rejects.toMatchObject({
      code: "request.outputTooLarge",
    });
    const narrow = createTensorProvider(await open({}, { inputWords: 96 }));
    expect(() => narrow.prompt(generation)).toThrow(expect.objectContaining({ code: "request.contextExceeded" }));
  });
});

describe("a quorum of two other classes", () => {
  const judge = (
    evidence: ReceiptEvidence,
    of = honest,
    references: readonly [TensorEngine, TensorEngine] = [unoptimised, basic],
  ) => judgeBetweenClasses({ references, recoverAddress: recoverKey }, evidence, of.description.runtimeClass);

  test("passes honest answers and fails other weights, rounded weights and cached answers", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const inputs = inputOf(seed);
      expect(await judge(evidenceOf(honest, inputs, await honest.infer(inputs)))).toMatchObject({ verdict: "pass" });
      for (const outputs of [
        await others.infer(inputs),
        await quantised.infer(inputs),
        await honest.infer(inputOf(seed + 100)),
      ]) {
        expect(await judge(evidenceOf(honest, inputs, outputs))).toMatchObject({ verdict: "fail" });
      }
    }
  });

  test("fails an answer whose numbers are none", async () => {
    const inputs = inputOf(2);
    const bytes = new Uint8Array(new Float32Array(10).fill(Number.NaN).buffer);
    expect(await judge(evidenceOf(honest, inputs, { y: { type: "float32", shape: [1, 10], bytes } }))).toMatchObject({
      verdict: "fail",
    });
  });

  test("says nothing when its members do not agree with each other", async () => {
    const inputs = inputOf(2);
    const evidence = evidenceOf(honest, inputs, await others.infer(inputs));
    const broken: TensorEngine = { ...basic, infer: () => quantised.infer(inputs) };
    expect(await judge(evidence, honest, [unoptimised, broken])).toMatchObject({ verdict: "inconclusive" });
  });

  test("is not one engine twice, and has the same weights", async () => {
    const inputs = inputOf(2);
    const evidence = evidenceOf(honest, inputs, await honest.infer(inputs));
    for (const references of [
      [basic, basic],
      [basic, others],
    ] as const) {
      await expect(judge(evidence, honest, references)).rejects.toMatchObject({ code: "verify.wrongClass" });
    }
    await expect(judge(evidence, basic)).rejects.toMatchObject({ code: "verify.wrongClass" });
  });
});

describe("distances", () => {
  const of = (...values: number[]): NamedTensors => ({
    y: { type: "float32", shape: [values.length], bytes: new Uint8Array(Float32Array.from(values).buffer) },
  });

  test("are measured against the largest element, bit by bit", () => {
    expect(tensorDistance(of(4, 1), of(4, 1.5))).toEqual({ elements: 2, differing: 1, relative: 0.125 });
    expect(tensorDistance(of(0), of(-0))).toEqual({ elements: 1, differing: 1, relative: 0 });
    expect(tensorDistance(of(0), of(1)).relative).toBe(Number.POSITIVE_INFINITY);
    expect(tensorDistance(of(1), of(1, 2)).relative).toBe(Number.POSITIVE_INFINITY);
    expect(tensorDistance(of(1), {}).relative).toBe(Number.POSITIVE_INFINITY);
    expect(tensorDistance(of(Number.NaN), of(Number.NaN)).differing).toBe(0);
  });

  test("do not hide behind a reference that is infinite", () => {
    expect(tensorDistance(of(Number.POSITIVE_INFINITY, 1), of(Number.POSITIVE_INFINITY, 2)).relative).toBe(1);
  });
});

test("a body of tensors is read as it was written, and its faults are named", () => {
  const body = (changes: object) =>
    Buffer.from(JSON.stringify({ model: "m", inputs: tensorsToJson(inputOf(1)), ...changes }));
  expect(parseTensorBody(body({})).inputs).toEqual(inputOf(1));
  for (const [changes, param] of [
    [{ inputs: { x: { type: "float32", shape: [2], data: "AAAA" } } }, "inputs.x"],
    [{ inputs: { x: { type: "float16", shape: [1], data: "AAAA" } } }, "inputs.x.type"],
    [{ inputs: { x: { type: "uint8", shape: [1 << 21, 1 << 21], data: "" } } }, "inputs.x"],
    [{ proof: { min: "sure" } }, "proof.min"],
  ] as const) {
    try {
      parseTensorBody(body(changes));
      expect.unreachable(param);
    } catch (error) {
      expect(error).toMatchObject({ code: "request.invalid", metadata: { param } });
    }
  }
});
