import { seedCommitment, textHash, transcriptRoot } from "@depinfer/proof";
import { type Hex, microUsd, type Receipt, requestHash } from "@depinfer/protocol";
import { expect, test } from "vitest";
import { type Observed, receiptFaults } from "./receipt-check.ts";

const word = (digit: string): Hex => `0x${digit.repeat(64)}`;
const provider: Hex = `0x${"a".repeat(40)}`;
const ENDED = 1_795_355_201_043;
const prices = { inputPerMillion: microUsd(0), cachedInputPerMillion: microUsd(0), outputPerMillion: microUsd(0) };

const seen: Observed = {
  offer: { provider, receiptKey: provider, proofLevel: "seeded" },
  terms: {
    v: 1,
    requestId: word("1"),
    classId: word("2"),
    channelId: word("3"),
    endpoint: "chat",
    prices,
    maxOutputTokens: 9,
    buyerNonce: word("4"),
    audit: "validator",
  },
  payload: new Uint8Array(3),
  promptTokens: 5,
  cachedTokens: 0,
  promptHash: word("5"),
  seed: new Uint8Array(32),
  tokens: [1, 2],
  outputTokens: 2,
  text: "ab",
  endedAt: ENDED,
};

const receipt: Receipt = {
  requestId: word("1"),
  requestHash: requestHash(seen.payload),
  classId: word("2"),
  promptHash: word("5"),
  transcriptRoot: transcriptRoot(seen.tokens),
  textHash: textHash(seen.text),
  seedCommitment: seedCommitment(seen.seed),
  channelId: word("3"),
  provider,
  promptTokens: 5,
  cachedTokens: 0,
  outputTokens: 2,
  stopReason: "end",
  proofLevel: "seeded",
  cost: microUsd(0),
  startedAt: ENDED - 1_000,
  finishedAt: ENDED,
};

const faults = (changes: Partial<Receipt>) =>
  receiptFaults(
    { receipt: { ...receipt, ...changes }, signature: "0x" },
    seen,
    { chainId: 1, verifyingContract: provider },
    () => provider,
  );

test("a receipt that says what the buyer saw has no fault", () => {
  expect(faults({})).toEqual([]);
  expect(faults({ outputTokens: 3 })).toHaveLength(1);
});

test("a receipt dated so that it could not be disputed any more is wrong, a clock that differs a little is not", () => {
  expect(faults({ finishedAt: ENDED - 599_000 })).toEqual([]);
  expect(faults({ finishedAt: ENDED + 599_000 })).toEqual([]);
  expect(faults({ finishedAt: ENDED - 601_000 })).toEqual([expect.stringContaining("finishedAt")]);
  expect(faults({ finishedAt: ENDED + 601_000 })).toEqual([expect.stringContaining("finishedAt")]);
});

test("cached tokens are the provider's to say, at their price and within the prompt", () => {
  const priced = {
    ...seen,
    cachedTokens: 4,
    terms: {
      ...seen.terms,
      prices: {
        inputPerMillion: microUsd(4_000_000),
        cachedInputPerMillion: microUsd(1_000_000),
        outputPerMillion: microUsd(0),
      },
    },
  };
  const said = (changes: Partial<Receipt>) =>
    receiptFaults(
      { receipt: { ...receipt, cachedTokens: 4, cost: microUsd(8), ...changes }, signature: "0x" },
      priced,
      { chainId: 1, verifyingContract: provider },
      () => provider,
    );
  expect(said({})).toEqual([]);
  expect(said({ cost: microUsd(20) })).toEqual([expect.stringContaining("its cost is 20, the buyer counted 8")]);
  expect(said({ cachedTokens: 5 })).toEqual([expect.stringContaining("its cachedTokens is 5")]);
});
