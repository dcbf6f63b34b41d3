import type { Signer } from "@depinfer/chain";
import type { Completion, Engine } from "@depinfer/inference";
import type { Exchange, ExchangeOutcome, Link } from "@depinfer/network";
import { deriveSeed, promptHash, seedCommitment, textHash, transcriptRoot } from "@depinfer/proof";
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
  type Hex,
  levelOfAnswer,
  type MicroUsd,
  meetsLevel,
  type Prices,
  parseBody,
  type Receipt,
  type Request,
  receiptDigest,
  requestHash,
  type SignedReceipt,
  utf8,
} from "@depinfer/protocol";
import { bytesDeliveredAtCancel, createDelivery, type Delivery, deliveredAtCancel } from "./delivery.ts";
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
}

export interface AnswerOptions {
  readonly provider: Receipt["provider"];
  readonly prices: Prices;
  /** Chain id and ReceiptLog, for which receipts are signed. */
  readonly binding: DomainBinding;
}

/** A request that passed every check, with what was agreed. */
interface Admitted {
  readonly request: Request;
  readonly payload: Uint8Array;
  readonly prompt: ReturnType<Engine["prompt"]>;
  readonly generation: ReturnType<typeof parseBody>["generation"];
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
  const promptTokens = admitted.prompt.tokens.length;
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
    const { nonce, announce } = modules.nonces.next(link.peerId);
    if (announce !== null) {
      link.sendHello({ nonceHead: announce });
    }
    const accept: Accept = {
      providerNonce: nonce,
      promptTokens,
      cachedTokens: 0,
      promptHash: promptHash(admitted.prompt.tokens),
    };
    exchange.send(FrameType.ACCEPT, encodeMessage(accept));
    const seed = deriveSeed({ ...terms, providerNonce: nonce, userSeed: admitted.generation.seed });
    const delivery = createDelivery();
    const completion = await modules.engine.generate(
      {
        generation: admitted.generation,
        prompt: admitted.prompt,
        seed,
        maxTokens: admitted.limit,
        signal: abort.signal,
      },
      (tokens, text) => {
        if (exchange.closed) {
          return undefined;
        }
        delivery.add(tokens, text);
        const open = exchange.send(FrameType.DATA, encodeData(tokens, utf8(text)));
        return open || exchange.closed ? undefined : exchange.drained().catch(() => undefined);
      },
    );
    if (exchange.closed && delivery.isEmpty) {
      return; // Nothing was delivered, so nothing is owed.
    }
    const delivered = deliveredPart(delivery, completion, ending.outcome);
    const { engine } = modules;
    const receipt: Receipt = {
      requestId: terms.requestId,
      requestHash: requestHash(admitted.payload),
      classId: engine.description.classId,
      promptHash: accept.promptHash,
      transcriptRoot: transcriptRoot(delivered.tokens),
      textHash: textHash(delivered.text),
      seedCommitment: seedCommitment(seed),
      channelId: terms.channelId,
      provider: options.provider,
      promptTokens: completion.promptTokens,
      cachedTokens: 0,
      outputTokens: delivered.count,
      stopReason: delivered.stopReason,
      proofLevel: levelOfAnswer(engine.description.proofLevel, admitted.generation.temperature),
      cost: costDown(
        { promptTokens: completion.promptTokens, cachedTokens: 0, outputTokens: delivered.count },
        options.prices,
      ),
      startedAt,
      finishedAt: Date.now(),
    };
    const signed: SignedReceipt = {
      receipt,
      signature: modules.receiptSigner.sign(receiptDigest(receipt, options.binding)),
    };
    await modules.ledger.saveAnswer({
      signed,
      peerId: link.peerId,
      audit: terms.audit,
      request: admitted.payload,
      providerNonce: nonce,
      tokens: delivered.tokens,
      text: delivered.text,
    });
    deliverReceipt(exchange, link, signed);
  } finally {
    release();
    modules.underWay.delete(terms.requestId);
  }
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

function deliveredPart(delivery: Delivery, completion: Completion, outcome: ExchangeOutcome | null) {
  const opaque = completion.tokens.length === 0;
  const cancelled = outcome?.kind === "cancelled" ? outcome.reason : null;
  const stopReason = cancelled === null ? completion.stopReason : ("cancelled" as const);
  if (opaque) {
    const part =
      cancelled === null ? delivery.all() : delivery.firstBytes(bytesDeliveredAtCancel(delivery.bytes, cancelled));
    // An upstream that is stopped does not tell its count; each piece had at least one token.
    const count = cancelled === null ? Math.max(completion.outputTokens, part.pieces) : part.pieces;
    return { ...part, count, stopReason };
  }
  const part =
    cancelled === null ? delivery.all() : delivery.first(deliveredAtCancel(delivery.tokens.length, cancelled));
  return { ...part, count: part.tokens.length, stopReason };
}

function admit({ engine, ledger, underWay }: AnswerModules, { prices }: AnswerOptions, opening: Uint8Array): Admitted {
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
  const offered = [prices.inputPerMillion, prices.cachedInputPerMillion, prices.outputPerMillion];
  const agreed = [terms.prices.inputPerMillion, terms.prices.cachedInputPerMillion, terms.prices.outputPerMillion];
  if (offered.some((price, index) => price !== agreed[index])) {
    throw refusal(
      "provider.priceChanged",
      `The request names prices ${agreed.join("/")}, the offer is ${offered.join("/")} units per million tokens`,
      "Read the newest offer and ask again",
    );
  }
  if (ledger.hasAnswer(terms.requestId) || underWay.has(terms.requestId)) {
    throw refusal(
      "request.duplicate",
      `Request ${terms.requestId} was answered before`,
      "Use a fresh request id; the first answer's receipt stands",
    );
  }
  const { generation, minProofLevel } = parseBody(terms.endpoint, request.body);
  const level = levelOfAnswer(description.proofLevel, generation.temperature);
  // Whoever answers a demand that it cannot meet has signed for its own failure.
  if (minProofLevel !== null && !meetsLevel(level, minProofLevel, { allowSimulatedAttestation: true })) {
    throw refusal(
      "provider.levelTooLow",
      `The request demands at least ${minProofLevel}, this provider's answer would be ${level}`,
      "Route by the levels in the offers",
    );
  }
  const prompt = engine.prompt(generation);
  const room = description.contextLength - prompt.tokens.length;
  return { request, payload, prompt, generation, limit: Math.min(terms.maxOutputTokens, room) };
}

const NEEDS_VOUCHER: readonly string[] = ["payment.channelUnknown", "payment.voucherDue"];

/** An upstream does not tell how it cuts a prompt; a token has at least a byte. */
function mostCost({ prompt, request, limit }: Admitted): MicroUsd {
  const promptTokens = prompt.tokens.length > 0 ? prompt.tokens.length : request.body.length;
  return costDown({ promptTokens, cachedTokens: 0, outputTokens: limit }, request.terms.prices);
}

function refusal(code: string, message: string, remedy: string): DepinferError {
  return new DepinferError({ code, message, remedy, retryable: true });
}
