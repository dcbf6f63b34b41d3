import { seedCommitment, seedOfAnswer, textHash, transcriptRoot } from "@depinfer/proof";
import {
  costDown,
  encodeRequest,
  type Hex,
  keccak,
  merkleProof,
  merkleRoot,
  microUsd,
  type Receipt,
  type RequestTerms,
  receiptDigest,
  requestHash,
  type Transcript,
  toHex,
  utf8,
} from "@depinfer/protocol";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { expect, test } from "vitest";
import { type CheckInput, checkReceipt, type StepName } from "./check-receipt.ts";
import { recoverAccount } from "./recover-account.ts";

const word = (digit: string): Hex => `0x${digit.repeat(64)}`;
const account = (digit: string): Hex => `0x${digit.repeat(40)}`;
const key = keccak(utf8("a receipt key of this test"));
const binding = { chainId: 31337, verifyingContract: account("5") };

function sign(receipt: Receipt): Hex {
  const made = secp256k1.sign(receiptDigest(receipt, binding), key, { prehash: false, format: "recovered" });
  return toHex(Uint8Array.of(...made.subarray(1), 27 + (made[0] ?? 0)));
}

const terms: RequestTerms = {
  v: 1,
  requestId: word("1"),
  endpoint: "chat",
  classId: word("2"),
  channelId: word("3"),
  buyerNonce: word("4"),
  maxOutputTokens: 64,
  prices: {
    inputPerMillion: microUsd(5_000_000),
    cachedInputPerMillion: microUsd(1_000_000),
    outputPerMillion: microUsd(20_000_000),
  },
  audit: "validator",
};

function evidence(): CheckInput & { readonly transcript: Transcript } {
  const body = utf8(JSON.stringify({ model: "m", messages: [{ role: "user", content: "Hello" }] }));
  const payload = encodeRequest({ terms, body });
  const outputTokens = Array.from({ length: 40 }, (_, index) => index * 7);
  const transcript = {
    request: btoa(String.fromCharCode(...payload)),
    providerNonce: word("6"),
    outputTokens,
    text: "A story. é",
  };
  const usage = { promptTokens: 12, cachedTokens: 4, outputTokens: outputTokens.length };
  const receipt: Receipt = {
    requestId: terms.requestId,
    requestHash: requestHash(payload),
    classId: terms.classId,
    promptHash: word("7"),
    transcriptRoot: transcriptRoot(outputTokens),
    textHash: textHash(transcript.text),
    seedCommitment: seedCommitment(seedOfAnswer(terms, transcript.providerNonce, null)),
    channelId: terms.channelId,
    provider: account("8"),
    ...usage,
    stopReason: "end",
    proofLevel: "seeded",
    cost: costDown(usage, terms.prices),
    startedAt: 1,
    finishedAt: 2,
  };
  const leaves = [keccak(utf8("another")), receiptDigest(receipt, binding), keccak(utf8("a third"))];
  const publicKey = secp256k1.getPublicKey(key, false);
  return {
    signed: { receipt, signature: sign(receipt) },
    binding,
    receiptKey: toHex(keccak(publicKey.subarray(1)).subarray(12)),
    transcript,
    opening: { siblings: merkleProof(leaves, 1).map(toHex), root: toHex(merkleRoot(leaves)) },
  };
}

const failing = (input: CheckInput): readonly StepName[] =>
  checkReceipt(input)
    .filter(({ outcome }) => outcome === "fails")
    .map(({ name }) => name);

test("an honest receipt holds in every step", () => {
  expect(checkReceipt(evidence()).map(({ outcome }) => outcome)).toEqual(Array(8).fill("holds"));
});

test.each<[keyof Receipt, unknown, readonly StepName[]]>([
  ["cost", microUsd(1), ["signature", "opening", "cost"]],
  ["outputTokens", 41, ["signature", "opening", "tokens", "cost"]],
  ["promptTokens", 13, ["signature", "opening", "cost"]],
  ["textHash", word("9"), ["signature", "opening", "text"]],
  ["transcriptRoot", word("9"), ["signature", "opening", "tokens"]],
  ["seedCommitment", word("9"), ["signature", "opening", "seed"]],
  ["requestHash", word("9"), ["signature", "opening", "request"]],
  ["requestId", word("9"), ["signature", "opening", "terms"]],
  ["classId", word("9"), ["signature", "opening", "terms"]],
  ["channelId", word("9"), ["signature", "opening", "terms"]],
  ["promptHash", word("9"), ["signature", "opening"]],
  ["provider", account("9"), ["signature", "opening"]],
  ["stopReason", "length", ["signature", "opening"]],
  ["finishedAt", 3, ["signature", "opening"]],
])("a receipt whose %s was changed fails where that counts", (field, value, steps) => {
  const honest = evidence();
  const receipt = { ...honest.signed.receipt, [field]: value };
  expect(failing({ ...honest, signed: { receipt, signature: honest.signed.signature } })).toEqual(steps);
});

test.each<[string, (honest: ReturnType<typeof evidence>) => Partial<CheckInput>, readonly StepName[]]>([
  ["another text", ({ transcript }) => ({ transcript: { ...transcript, text: "Another one" } }), ["text"]],
  [
    "another token",
    ({ transcript }) => ({ transcript: { ...transcript, outputTokens: transcript.outputTokens.with(3, 1) } }),
    ["tokens"],
  ],
  [
    "a missing token",
    ({ transcript }) => ({ transcript: { ...transcript, outputTokens: transcript.outputTokens.slice(1) } }),
    ["tokens"],
  ],
  ["another nonce", ({ transcript }) => ({ transcript: { ...transcript, providerNonce: word("a") } }), ["seed"]],
  [
    "no request",
    ({ transcript }) => ({ transcript: { ...transcript, request: "AAAA" } }),
    ["request", "terms", "seed", "cost"],
  ],
  ["another key", () => ({ receiptKey: account("a") }), ["signature"]],
  ["another chain", () => ({ binding: { ...binding, chainId: 1 } }), ["signature", "opening"]],
  ["another root", ({ opening }) => ({ opening: { siblings: opening?.siblings ?? [], root: word("b") } }), ["opening"]],
])("evidence with %s fails in its step alone", (_, change, steps) => {
  const honest = evidence();
  expect(failing({ ...honest, ...change(honest) })).toEqual(steps);
});

test("what is not known is left open, not passed", () => {
  const { signed } = evidence();
  const steps = checkReceipt({ signed, binding: null, receiptKey: null, transcript: null, opening: null });
  expect(steps.map(({ outcome }) => outcome)).toEqual(Array(8).fill("open"));
});

test.each(["0x", "0x00", `0x${"00".repeat(65)}`, `0x${"ff".repeat(65)}`, `0x${"11".repeat(64)}1d`] as const)(
  "no account made the signature %s",
  (signature) => {
    expect(recoverAccount(keccak(utf8("anything")), signature)).toBeNull();
  },
);
