import type { Chain } from "@depinfer/chain";
import type { Link } from "@depinfer/network";
import { deriveSeed } from "@depinfer/proof";
import {
  DepinferError,
  decodeMessage,
  encodeRequest,
  errorMessage,
  FrameType,
  type Hex,
  type Log,
  microUsd,
  type Offer,
  parseBody,
  type RequestTerms,
  type SignedReceipt,
  signedReceiptSchema,
} from "@depinfer/protocol";
import type { Ask } from "./ask.ts";
import { attempt, type Delivered, random32 } from "./attempt.ts";
import type { Answer, AnswerHandlers } from "./buyer.ts";
import type { BuyerLedger, FinishedRequest } from "./buyer-ledger.ts";
import type { BuyerChannels } from "./channels.ts";
import type { Peers } from "./peers.ts";
import { mostCost, mostPromptTokens } from "./price-limit.ts";
import { meteredCost, type Observed, receiptFaults } from "./receipt-check.ts";

export interface PurchaseModules {
  readonly chain: Chain;
  readonly ledger: BuyerLedger;
  readonly channels: BuyerChannels;
  readonly peers: Peers;
  readonly recoverAddress: (digest: Uint8Array, signature: Hex) => Hex;
  readonly log: Log;
}

/** How one attempt at one provider ended. */
export type Purchase = { readonly requestId: Hex } & (
  | { readonly error: null; readonly answer: Answer }
  | { readonly error: DepinferError; readonly textDelivered: boolean }
);

export interface Purchases {
  /** @param acceptMs how long the provider may take to accept. */
  buy(ask: Ask, offer: Offer, handlers: AnswerHandlers, acceptMs: number, signal?: AbortSignal): Promise<Purchase>;
}

/** Output limit when the app names none, in tokens. */
const DEFAULT_MAX_TOKENS = 512;
/** Time for a receipt to follow a cancelled request. */
const LATE_RECEIPT_MS = 2_000;

/** Buys one answer from one provider: reserve, journal, ask, check, pay. */
export function createPurchases(modules: PurchaseModules, { silenceMs }: { readonly silenceMs: number }): Purchases {
  const { chain, ledger, channels, peers, log } = modules;
  const receiptBinding = { chainId: chain.deployment.chainId, verifyingContract: chain.receipts.address };

  return {
    async buy(ask, offer, handlers, acceptMs, signal) {
      const requestId = random32();
      const leave = peers.enter(offer.peerId);
      try {
        const link = await peers.link(offer);
        const maxOutputTokens = Math.min(ask.maxTokens ?? DEFAULT_MAX_TOKENS, offer.contextLength);
        const reserved = mostCost(ask.body, maxOutputTokens, offer);
        const { channel, release } = await channels.reserve(offer.provider, reserved);
        try {
          const terms: RequestTerms = {
            v: 1,
            requestId,
            endpoint: ask.endpoint,
            classId: offer.classId,
            channelId: channel.id,
            buyerNonce: random32(),
            maxOutputTokens,
            prices: offer.prices,
            audit: ask.audit,
          };
          const payload = encodeRequest({ terms, body: ask.body });
          const { provider, peerId, model } = offer;
          const { account } = ask;
          await ledger.start({
            id: requestId,
            channelId: channel.id,
            provider,
            peerId,
            model,
            account,
            reserved,
            startedAt: Date.now(),
            request: payload,
          });
          peers.showVoucher(link, channel, () => channels.signVoucher(channel.config, microUsd(0n)));
          const late = lateReceipt(link, requestId);
          const delivered = await deliver(link, payload, terms, ask, offer, handlers, acceptMs, signal);
          const signed =
            delivered.signed ?? (delivered.cancelled && delivered.accept !== null ? await late.wait() : null);
          late.stop();
          return await settle({ ...delivered, signed }, { ask, offer, terms, payload, link });
        } finally {
          release();
        }
      } catch (cause) {
        const error = asError(cause);
        if (error.retryable) {
          peers.exclude(offer.peerId, error.message);
        }
        return { requestId, error, textDelivered: false };
      } finally {
        leave();
      }
    },
  };

  function deliver(
    link: Link,
    payload: Uint8Array,
    terms: RequestTerms,
    ask: Ask,
    offer: Offer,
    handlers: AnswerHandlers,
    acceptMs: number,
    signal?: AbortSignal,
  ): Promise<Delivered> {
    return attempt(
      link,
      payload,
      {
        onAccept(accept) {
          peers.checkNonce(link, accept.providerNonce);
          if (accept.promptTokens > mostPromptTokens(ask.body)) {
            throw new DepinferError({
              code: "provider.inflatedPrompt",
              message: `The provider counts ${accept.promptTokens} prompt tokens in a body of ${ask.body.length} bytes`,
              remedy: "Ask another provider",
              retryable: true,
            });
          }
          handlers.onAccept?.({ requestId: terms.requestId, offer, accept });
        },
        onText: (text) => (text === "" ? undefined : handlers.onText(text)),
      },
      { acceptMs, silenceMs, ...(signal === undefined ? {} : { signal }) },
    );
  }

  async function settle(delivered: Delivered, { ask, offer, terms, payload, link }: Bought): Promise<Purchase> {
    const { requestId } = terms;
    const { accept, tokens, text, end, signed, error, cancelled } = delivered;
    if (accept === null || (error !== null && tokens.length === 0 && text === "")) {
      await ledger.finish(
        requestId,
        failed(delivered, error?.message ?? "cancelled before it began"),
        channels.signVoucher,
      );
      if (error !== null && error.code !== "provider.busy") {
        peers.exclude(offer.peerId, error.message);
      }
      return { requestId, error: error ?? cancelledError(), textDelivered: false };
    }
    const { generation } = parseBody(ask.endpoint, ask.body);
    const reported = end?.outputTokens ?? signed?.receipt.outputTokens ?? 0;
    const seen: Observed = {
      offer,
      terms,
      payload,
      promptTokens:
        signed !== null && tokens.length === 0
          ? Math.min(signed.receipt.promptTokens, ask.body.length)
          : accept.promptTokens,
      promptHash: accept.promptHash,
      seed: deriveSeed({ ...terms, providerNonce: accept.providerNonce, userSeed: generation.seed }),
      tokens,
      // An upstream gives no ids; a token has at least one byte of text, so its count is bounded by what was read.
      outputTokens: tokens.length > 0 ? tokens.length : Math.min(reported, Buffer.byteLength(text)),
      text,
    };
    const cost = meteredCost(seen);
    if (signed === null) {
      // Whatever was delivered is owed once the provider signs for it; until then it is set aside.
      await ledger.finish(
        requestId,
        { ...open(delivered), reserved: cost, fault: error?.message ?? "no receipt came" },
        channels.signVoucher,
      );
      return { requestId, error: error ?? missingReceipt(), textDelivered: true };
    }
    const faults = receiptFaults(signed, seen, receiptBinding, modules.recoverAddress);
    const state = faults.length === 0 ? "done" : "disputed";
    const channel = await ledger.finish(
      requestId,
      {
        ...open(delivered),
        state,
        cost,
        reserved: microUsd(0n),
        signed,
        fault: faults.length === 0 ? null : faults.join("; "),
      },
      channels.signVoucher,
    );
    if (faults.length > 0) {
      log("warn", `receipt of ${offer.provider} is wrong, paid by own count: ${faults.join("; ")}`, { requestId });
      peers.exclude(offer.peerId, "its receipt was wrong");
    }
    if (!link.closed) {
      peers.showVoucher(link, channel, () => channels.signVoucher(channel.config, channel.owed));
    }
    if (error !== null) {
      return { requestId, error, textDelivered: true };
    }
    return {
      requestId,
      error: null,
      answer: {
        requestId,
        offer,
        stopReason: cancelled ? "cancelled" : (end?.stopReason ?? signed.receipt.stopReason),
        usage: { promptTokens: seen.promptTokens, cachedTokens: 0, outputTokens: seen.outputTokens },
        cost,
      },
    };
  }
}

interface Bought {
  readonly ask: Ask;
  readonly offer: Offer;
  readonly terms: RequestTerms;
  readonly payload: Uint8Array;
  readonly link: Link;
}

/** A delivered answer whose price is not settled. */
function open({ accept, tokens, text, signed }: Delivered): FinishedRequest {
  return {
    state: "broken",
    cost: microUsd(0n),
    reserved: microUsd(0n),
    providerNonce: accept?.providerNonce ?? null,
    tokens,
    text,
    signed,
    fault: null,
  };
}

function failed(delivered: Delivered, fault: string): FinishedRequest {
  return { ...open(delivered), state: "failed", fault };
}

/** After CANCEL the receipt comes on the link itself. */
function lateReceipt(link: Link, requestId: Hex): { wait(): Promise<SignedReceipt | null>; stop(): void } {
  let found: SignedReceipt | null = null;
  let notify: () => void = () => undefined;
  const unsubscribe = link.onControl((type, payload) => {
    if (type === FrameType.RECEIPT && found === null) {
      const signed = decodeMessage(signedReceiptSchema, payload, "RECEIPT");
      if (signed.receipt.requestId === requestId) {
        found = signed;
        notify();
      }
    }
  });
  return {
    wait: () =>
      new Promise((resolve) => {
        const timer = setTimeout(() => resolve(found), LATE_RECEIPT_MS);
        notify = () => {
          clearTimeout(timer);
          resolve(found);
        };
        if (found !== null) {
          notify();
        }
      }),
    stop: unsubscribe,
  };
}

function asError(cause: unknown): DepinferError {
  return cause instanceof DepinferError
    ? cause
    : new DepinferError({
        code: "buyer.internal",
        message: errorMessage(cause),
        remedy: "Report this with the gateway's log",
        cause,
      });
}

function cancelledError(): DepinferError {
  return new DepinferError({
    code: "request.cancelled",
    message: "The request was cancelled before it began",
    remedy: "Nothing to do",
  });
}

function missingReceipt(): DepinferError {
  return new DepinferError({
    code: "provider.noReceipt",
    message: "The provider delivered an answer and signed no receipt for it",
    remedy: "Nothing was paid for it; ask again",
    retryable: true,
  });
}
