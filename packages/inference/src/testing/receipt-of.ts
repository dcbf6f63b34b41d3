import { promptHash, seedCommitment, seedOfAnswer, textHash, transcriptRoot } from "@depinfer/proof";
import {
  costDown,
  encodeRequest,
  levelOfGeneration,
  microUsd,
  parseBody,
  type Receipt,
  type RequestTerms,
  requestHash,
} from "@depinfer/protocol";
import type { Completion, EngineDescription } from "../engine.ts";
import type { ReceiptEvidence } from "../opened-receipt.ts";

const word = (byte: number) => `0x${byte.toString(16).padStart(2, "0").repeat(32)}` as const;
const account = `0x${"0a".repeat(20)}` as const;

export interface Answered {
  readonly description: Pick<EngineDescription, "classId" | "proofLevel">;
  /** Body of a request; of a chat by default. */
  readonly body: object;
  /** Terms other than the usual ones. */
  readonly terms?: Partial<RequestTerms>;
  /** Prompt ids as the provider tells them; an upstream tells none. */
  readonly prompt: readonly number[];
  readonly completion: Completion;
}

export const RECEIPT_KEY = account;
/** Stands for a recovery that always finds the registered key: what is tested here is not the signature. */
export const recoverKey = () => RECEIPT_KEY;

/** What a provider would sign for an answer, with changes for the lies of a test. */
export function evidenceOf(
  { description, body, prompt, completion, terms: otherTerms = {} }: Answered,
  changes: Partial<Receipt> = {},
): ReceiptEvidence {
  const { classId, proofLevel } = description;
  const prices = {
    inputPerMillion: microUsd(50_000),
    cachedInputPerMillion: microUsd(5_000),
    outputPerMillion: microUsd(200_000),
  };
  const terms: RequestTerms = {
    v: 1,
    requestId: word(1),
    endpoint: "chat",
    classId,
    channelId: word(2),
    buyerNonce: word(3),
    maxOutputTokens: 1_000,
    prices,
    audit: "public",
    ...otherTerms,
  };
  const bytes = Buffer.from(JSON.stringify(body));
  const { generation } = parseBody(terms.endpoint, bytes);
  const payload = encodeRequest({ terms, body: bytes });
  const providerNonce = word(4);
  const { tokens, text, stopReason, promptTokens } = completion;
  const receipt: Receipt = {
    requestId: terms.requestId,
    requestHash: requestHash(payload),
    classId,
    promptHash: promptHash(prompt),
    transcriptRoot: transcriptRoot(tokens),
    textHash: textHash(text),
    seedCommitment: seedCommitment(seedOfAnswer(terms, providerNonce, generation.seed)),
    channelId: terms.channelId,
    provider: account,
    promptTokens,
    cachedTokens: 0,
    outputTokens: tokens.length,
    stopReason,
    proofLevel: levelOfGeneration(proofLevel, generation),
    cost: costDown({ promptTokens, cachedTokens: 0, outputTokens: tokens.length }, prices),
    startedAt: 1,
    finishedAt: 2,
    ...changes,
  };
  return {
    signed: { receipt, signature: "0x" },
    transcript: {
      request: Buffer.from(payload).toString("base64"),
      providerNonce,
      outputTokens: [...tokens],
      text,
    },
    binding: { chainId: 1, verifyingContract: account },
    receiptKey: RECEIPT_KEY,
  };
}
