import type { Signer } from "@depinfer/chain";
import type { Completion, Engine } from "@depinfer/inference";
import type { Exchange, ExchangeOutcome, Link } from "@depinfer/network";
import { promptHash, seedCommitment, seedOfAnswer, textHash, transcriptRoot } from "@depinfer/proof";
import {
  type Accept,
  costDown,
  DepinferError,
  type DomainBinding,
  decodeRequest,
  type End,
  encodeData,
  encodeMessage,
  errorCode,
  FrameType,
  type Generation,
  type Hex,
  levelOfGeneration,
  type MicroUsd,
  meetsLevel,
  missingFeatures,
  parseBody,
  type Receipt,
  type RecordSpan,
  type Request,
  receiptDigest,
  requestHash,
  resumedTokens,
  type SignedReceipt,
  type SpanRecord,
  utf8,
} from "@depinfer/protocol";
import { type PriceOptions, priceRefusal } from "./agreed-prices.ts";
import {
  bytesDeliveredAtCancel,
  createDelivery,
  type Delivered,
  type Delivery,
  deliveredAtCancel,
} from "./delivery.ts";
import { createInterim, type Usage } from "./interim.ts";
import type { Ledger } from "./ledger.ts";
import type { NonceBook } from "./nonces.ts";
import type { Payments } from "./payments.ts";
import type { VoucherInbox } from "./voucher-inbox.ts";

export interface AnswerModules {
  readonly engine: Engine;
  readonly ledger: Ledger;
  readonly payments: Payments;
  readonly nonces: NonceBook;
  readonly receiptSigner: Signer;
  /** Ids of requests that are being answered. */
  readonly underWay: Set<Hex>;
  readonly vouchers: Pick<VoucherInbox, "settled" | "takeRefusal">;
  /** Takes spans for traces. */
  readonly record?: RecordSpan;
}

export interface AnswerOptions extends PriceOptions {
  readonly provider: Receipt["provider"];
  /** Chain id and ReceiptLog, for which receipts are signed. */
  readonly binding: DomainBinding;
}

/** A request that passed every check, with what was agreed. */
interface Admitted {
  readonly request: Request;
  readonly payload: Uint8Array;
  readonly prompt: ReturnType<Engine["prompt"]>;
  /** Tokens that the answer has already. */
  readonly resumed: readonly number[];
  readonly generation: Generation;
  readonly limit: number;
}

/**
 * Answers one REQ exchange: checks it, reveals the nonce, streams, records what is owed, signs. A failure before or
 * while generating costs the buyer nothing.
 */
export async function answer(
  modules: AnswerModules,
  options: AnswerOptions,
  exchange: Exchange,
  link: Link,
): Promise<void> {
  const abort = new AbortController();
  const ending: { outcome: ExchangeOutcome | null } = { outcome: null };
  exchange.onFrame(() => undefined);
  exchange.onClose((closed) => {
    ending.outcome = closed;
    abort.abort();
  });
  await modules.vouchers.settled(link);
  if (exchange.closed) {
    return; // Cancelled, or the link was lost, before anything was agreed.
  }
  const admitted = admit(modules, options, exchange.opening);
  const { terms } = admitted.request;
  const promptIds = [...admitted.prompt.tokens, ...admitted.resumed];
  let release: () => void = () => undefined;
  modules.underWay.add(terms.requestId);
  try {
    release = await modules.payments.reserve(terms.channelId, mostCost(admitted)).catch((error) => {
      // The reason for a missing voucher is that it was refused.
      throw (NEEDS_VOUCHER.includes(errorCode(error)) ? modules.vouchers.takeRefusal(link) : null) ?? error;
    });
    if (exchange.closed) {
      return;
    }
    const startedAt = Date.now();
    const hash = requestHash(admitted.payload);
    const { nonce, announce } = modules.nonces.next(link.peerId);
    if (announce !== null) {
      link.sendHello({ nonceHead: announce });
    }
    const accept: Accept = {
      providerNonce: nonce,
      promptTokens: promptIds.length,
      // Known once a slot is free; the receipt says it.
      cachedTokens: 0,
      promptHash: promptHash(promptIds),
    };
    exchange.send(FrameType.ACCEPT, encodeMessage(accept));
    const seed = seedOfAnswer(terms, nonce, admitted.generation.seed);
    const delivery = createDelivery();
    const { engine } = modules;
    const { prices } = terms;
    const sign = (part: Delivered, usage: Usage, stopReason: Receipt["stopReason"]): SignedReceipt => {
      const receipt: Receipt = {
        requestId: terms.requestId,
        requestHash: hash,
        classId: engine.description.classId,
        promptHash: accept.promptHash,
        transcriptRoot: transcriptRoot(part.tokens),
        textHash: textHash(part.text),
        seedCommitment: seedCommitment(seed),
        channelId: terms.channelId,
        provider: options.provider,
        ...usage,
        stopReason,
        proofLevel: levelOfGeneration(engine.description.proofLevel, admitted.generation),
        cost: costDown(usage, prices),
        startedAt,
        finishedAt: Date.now(),
      };
      return { receipt, signature: modules.receiptSigner.sign(receiptDigest(receipt, options.binding)) };
    };
    const interim = createInterim(startedAt);
    const completion = await modules.engine.generate(
      {
        generation: admitted.generation,
        prompt: admitted.prompt,
        seed,
        maxTokens: admitted.limit,
        signal: abort.signal,
        // One buyer's prompts are nothing to another's.
        cacheKey: terms.channelId,
        resume: admitted.resumed,
        onPrompt: interim.onPrompt,
      },
      (tokens, text, logprobs) => {
        if (exchange.closed) {
          return undefined;
        }
        delivery.add(tokens, text);
        if (logprobs !== undefined) {
          exchange.send(FrameType.LOGPROBS, encodeMessage(logprobs));
        }
        const open = exchange.send(FrameType.DATA, encodeData(tokens, utf8(text)));
        const usage = interim.due(delivery.tokens.length);
        if (usage !== null) {
          exchange.send(FrameType.RECEIPT, encodeMessage(sign(delivery.all(), usage, "cancelled")));
        }
        return open || exchange.closed ? undefined : exchange.drained().catch(() => undefined);
      },
    );
    if (exchange.closed && delivery.isEmpty) {
      return; // Nothing was delivered, so nothing is owed.
    }
    const vectors = terms.endpoint === "embedding";
    const trust = tokensOf(modules.payments.trust(terms.channelId), prices.outputPerMillion);
    const delivered = deliveredPart(delivery, completion, ending.outcome, trust, vectors);
    const { promptTokens, cachedTokens = 0 } = completion;
    const signed = sign(delivered, { promptTokens, cachedTokens, outputTokens: delivered.count }, delivered.stopReason);
    await modules.ledger.saveAnswer({
      signed,
      peerId: link.peerId,
      audit: terms.audit,
      request: admitted.payload,
      providerNonce: nonce,
      tokens: delivered.tokens,
      text: delivered.text,
      forgiven: costDown(
        { promptTokens: 0, cachedTokens: 0, outputTokens: Math.max(0, delivered.sent - delivered.count) },
        prices,
      ),
    });
    deliverReceipt(exchange, link, signed);
    modules.record?.(spanOf(signed, modules.engine.description.model));
  } finally {
    release();
    modules.underWay.delete(terms.requestId);
  }
}

function spanOf({ receipt }: SignedReceipt, model: string): SpanRecord {
  return {
    requestId: receipt.requestId,
    name: "generate",
    kind: "server",
    startedAt: receipt.startedAt,
    endedAt: receipt.finishedAt,
    attributes: {
      "gen_ai.request.model": model,
      "gen_ai.usage.input_tokens": receipt.promptTokens,
      "gen_ai.usage.output_tokens": receipt.outputTokens,
      "depinfer.cached_tokens": receipt.cachedTokens,
      "depinfer.stop_reason": receipt.stopReason,
      "depinfer.proof_level": receipt.proofLevel,
    },
  };
}

/** END and RECEIPT on the exchange, or the receipt alone on the link when the buyer cancelled. */
function deliverReceipt(exchange: Exchange, link: Link, signed: SignedReceipt): void {
  const { stopReason, promptTokens, cachedTokens, outputTokens, cost } = signed.receipt;
  const bytes = encodeMessage(signed);
  if (exchange.closed) {
    if (!link.closed) {
      link.sendControl(FrameType.RECEIPT, bytes);
    }
    return;
  }
  const end: End = { stopReason, promptTokens, cachedTokens, outputTokens, cost };
  exchange.send(FrameType.RECEIPT, bytes);
  exchange.end(encodeMessage(end));
}

/** How many tokens an amount pays for, at most what matters here. */
function tokensOf(amount: bigint, perMillion: bigint): number {
  return perMillion === 0n ? MOST_TOKENS : Number(atMost((amount * 1_000_000n) / perMillion, BigInt(MOST_TOKENS)));
}

const MOST_TOKENS = 1_000_000;

function atMost(amount: bigint, limit: bigint): bigint {
  return amount < limit ? amount : limit;
}

function deliveredPart(
  delivery: Delivery,
  completion: Completion,
  outcome: ExchangeOutcome | null,
  trust: number,
  vectors: boolean,
): Delivered & { readonly count: number; readonly sent: number; readonly stopReason: Receipt["stopReason"] } {
  const opaque = completion.tokens.length === 0;
  const cancelled = outcome?.kind === "cancelled" ? outcome.reason : null;
  const stopReason = cancelled === null ? completion.stopReason : ("cancelled" as const);
  if (vectors) {
    // What was read is paid, whoever hangs up; nothing is written.
    return { ...delivery.all(), count: 0, sent: 0, stopReason };
  }
  if (opaque) {
    const part =
      cancelled === null
        ? delivery.all()
        : delivery.firstBytes(bytesDeliveredAtCancel(delivery.bytes, cancelled, trust));
    // An upstream that is stopped does not tell its count; each piece had at least one token.
    const count = cancelled === null ? Math.max(completion.outputTokens, part.pieces) : part.pieces;
    return { ...part, count, sent: delivery.all().pieces, stopReason };
  }
  const part =
    cancelled === null ? delivery.all() : delivery.first(deliveredAtCancel(delivery.tokens.length, cancelled, trust));
  return { ...part, count: part.tokens.length, sent: delivery.tokens.length, stopReason };
}

function admit({ engine, ledger, underWay }: AnswerModules, options: AnswerOptions, opening: Uint8Array): Admitted {
  // Kept for the receipt and for audits; the frame's buffer is the link's.
  const payload = opening.slice();
  const request = decodeRequest(payload);
  const { terms } = request;
  const { description } = engine;
  if (terms.classId !== description.classId) {
    throw refusal(
      "provider.wrongClass",
      `This provider serves class ${description.classId}, the request asks for ${terms.classId}`,
      "Route by the classes in the offers",
    );
  }
  const wrongPrice = priceRefusal(terms.prices, ledger.channel(terms.channelId)?.config.payer, options);
  if (wrongPrice !== null) {
    throw wrongPrice;
  }
  if (ledger.hasAnswer(terms.requestId) || underWay.has(terms.requestId)) {
    throw refusal(
      "request.duplicate",
      `Request ${terms.requestId} was answered before`,
      "Use a fresh request id; the first answer's receipt stands",
    );
  }
  const { generation, minProofLevel, features } = parseBody(terms.endpoint, request.body);
  const level = levelOfGeneration(description.proofLevel, generation);
  // Whoever answers a demand that it cannot meet has signed for its own failure.
  if (minProofLevel !== null && !meetsLevel(level, minProofLevel, { allowSimulatedAttestation: true })) {
    throw refusal(
      "provider.levelTooLow",
      `The request demands at least ${minProofLevel}, this provider's answer would be ${level}`,
      "Route by the levels in the offers",
    );
  }
  const missing = missingFeatures(
    [...features, ...(terms.resume === undefined ? [] : (["continuation"] as const))],
    description.features,
  );
  if (missing.length > 0) {
    throw refusal(
      "provider.featureMissing",
      `The request needs ${missing.join(" and ")}, which this provider does not have`,
      "Route by the features in the offers",
    );
  }
  const prompt = engine.prompt(generation);
  const resumed = resumedTokens(terms);
  if ("inputs" in generation.prompt) {
    return { request, payload, prompt, resumed, generation, limit: 0 };
  }
  const room = description.contextLength - prompt.tokens.length - resumed.length;
  if (room < 1) {
    throw new DepinferError({
      code: "request.contextExceeded",
      message: `Prompt and answer so far have ${prompt.tokens.length + resumed.length} tokens, the context holds ${description.contextLength}`,
      remedy: "Take the answer as it is, or choose a model with a longer context",
    });
  }
  return { request, payload, prompt, resumed, generation, limit: Math.min(terms.maxOutputTokens, room) };
}

const NEEDS_VOUCHER: readonly string[] = ["payment.channelUnknown", "payment.voucherDue"];

/** An upstream does not tell how it cuts a prompt; a token has at least a byte. */
function mostCost({ prompt, resumed, request, limit }: Admitted): MicroUsd {
  const promptTokens = (prompt.tokens.length > 0 ? prompt.tokens.length : request.body.length) + resumed.length;
  return costDown({ promptTokens, cachedTokens: 0, outputTokens: limit }, request.terms.prices);
}

function refusal(code: string, message: string, remedy: string): DepinferError {
  return new DepinferError({ code, message, remedy, retryable: true });
}
