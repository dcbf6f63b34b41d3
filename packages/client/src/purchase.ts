import type { Chain } from "@depinfer/chain";
import type { Link } from "@depinfer/network";
import { deriveSeed } from "@depinfer/proof";
import {
  DepinferError,
  encodeRequest,
  type Hex,
  type Log,
  levelOfAnswer,
  type MicroUsd,
  microUsd,
  type Offer,
  parseBody,
  type RequestTerms,
} from "@depinfer/protocol";
import type { Ask } from "./ask.ts";
import { attempt, type Delivered, random32 } from "./attempt.ts";
import type { Answer, AnswerHandlers } from "./buyer.ts";
import type { BuyerLedger } from "./buyer-ledger.ts";
import { type FinishedRequest, NO_TOKENS } from "./buyer-rows.ts";
import type { BuyerChannels } from "./channels.ts";
import { lateReceipt } from "./late-receipt.ts";
import type { Peers } from "./peers.ts";
import { atMost, flatPrices, mostCost, mostPromptTokens } from "./price-limit.ts";
import { asError, cancelledError, levelError, missingReceipt } from "./purchase-errors.ts";
import { meteredCost, type Observed, receiptFaults, receiptUsage } from "./receipt-check.ts";
import { unseenCost } from "./unseen-receipt.ts";
import type { VoucherSender } from "./voucher-sender.ts";

export interface PurchaseModules {
  readonly chain: Chain;
  readonly ledger: BuyerLedger;
  readonly channels: BuyerChannels;
  readonly peers: Peers;
  readonly vouchers: VoucherSender;
  readonly recoverAddress: (digest: Uint8Array, signature: Hex) => Hex;
  readonly log: Log;
  /** Requests that are being bought now; nobody else settles them. */
  readonly underWay: Set<Hex>;
  /** Told when the provider of a broken request may still bring its receipt. */
  readonly onBroken: (link: Link) => void;
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
/**
 * Tokens that may have been under way when a stream broke or was cancelled, and for which a provider's receipt is still
 * paid: the one bounded window beyond what was received. Providers grant buyers the same.
 */
const IN_FLIGHT_TOKENS = 256;

/** Refusals that say nothing against a provider. */
const BLAMELESS: readonly string[] = ["provider.busy", "provider.passPriceTooLow"];

/** Buys one answer from one provider: reserve, journal, ask, check, pay. */
export function createPurchases(modules: PurchaseModules, { silenceMs }: { readonly silenceMs: number }): Purchases {
  const { chain, ledger, channels, peers, vouchers, log, underWay } = modules;
  const receiptBinding = { chainId: chain.deployment.chainId, verifyingContract: chain.receipts.address };

  return {
    async buy(ask, offer, handlers, acceptMs, signal) {
      const requestId = random32();
      const leave = peers.enter(offer.peerId);
      let textDelivered = false;
      const told: AnswerHandlers = {
        ...handlers,
        onText(text) {
          textDelivered = true;
          return handlers.onText(text);
        },
      };
      try {
        const link = await peers.link(offer);
        const maxOutputTokens = Math.min(ask.maxTokens ?? DEFAULT_MAX_TOKENS, offer.contextLength);
        const pass = ask.pass ?? null;
        const prices = pass === null ? offer.prices : flatPrices(pass.unitsPerMillion);
        const reserved = mostCost(ask.body, maxOutputTokens, { prices });
        const { channel, release } = await channels.reserve(offer.provider, reserved, pass);
        try {
          const terms: RequestTerms = {
            v: 1,
            requestId,
            endpoint: ask.endpoint,
            classId: offer.classId,
            channelId: channel.id,
            buyerNonce: random32(),
            maxOutputTokens,
            prices,
            audit: ask.audit,
          };
          const payload = encodeRequest({ terms, body: ask.body });
          const { provider, peerId, model } = offer;
          const { account } = ask;
          underWay.add(requestId);
          await ledger.start(
            {
              id: requestId,
              channelId: channel.id,
              provider,
              peerId,
              model,
              account,
              reserved,
              startedAt: Date.now(),
              request: payload,
              pass: pass?.id ?? null,
            },
            ask.budget ?? null,
          );
          vouchers.beforeRequest(link, channel);
          const late = lateReceipt(link, requestId);
          const delivered = await deliver(link, payload, terms, ask, offer, told, acceptMs, signal);
          const signed =
            delivered.signed ?? (delivered.cancelled && delivered.error === null ? await late.wait() : null);
          late.stop();
          const purchase = await settle({ ...delivered, signed }, { ask, offer, terms, payload, link, reserved });
          if (delivered.error?.code.startsWith("payment.") === true) {
            // Our view of the channel is not the provider's: look at the chain, and show the voucher again.
            vouchers.refused(link, channel.id);
            await channels.recheck(channel.id);
          }
          return purchase;
        } finally {
          release();
        }
      } catch (cause) {
        const error = asError(cause);
        // A chain that is away is nobody's fault.
        if (error.retryable && !error.code.startsWith("chain.")) {
          peers.exclude(offer.peerId, error.message);
        }
        return { requestId, error, textDelivered };
      } finally {
        underWay.delete(requestId);
        leave();
      }
    },
  };

  async function deliver(
    link: Link,
    payload: Uint8Array,
    terms: RequestTerms,
    ask: Ask,
    offer: Offer,
    handlers: AnswerHandlers,
    acceptMs: number,
    signal?: AbortSignal,
  ): Promise<Delivered> {
    const nonce = peers.expectNonce(link);
    const delivered = await attempt(
      link,
      payload,
      {
        onAccept(accept) {
          nonce.check(accept.providerNonce);
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
      { acceptMs, silenceMs, maxTokens: terms.maxOutputTokens, ...(signal === undefined ? {} : { signal }) },
    );
    if (delivered.refused && delivered.accept === null) {
      nonce.refused();
    }
    return delivered;
  }

  async function settle(delivered: Delivered, bought: Bought): Promise<Purchase> {
    const { ask, offer, terms, payload, link, reserved } = bought;
    const { requestId } = terms;
    const { accept, tokens, text, end, signed, error, cancelled } = delivered;
    const nothing = tokens.length === 0 && text === "";
    if (accept === null && signed !== null) {
      const { promptTokens } = signed.receipt;
      const window = meteredCost({ terms, promptTokens, outputTokens: IN_FLIGHT_TOKENS });
      return payUnseen({ ...bought, reserved: atMost(window, reserved) }, delivered, signed);
    }
    // A provider that says itself that it failed signs for nothing, whatever it had sent.
    const refused = delivered.refused && signed === null;
    if (nothing && cancelled && error === null && signed === null) {
      // The provider may have been done before it heard of the cancellation, and its receipt have crossed it.
      const promptTokens = accept?.promptTokens ?? mostPromptTokens(ask.body);
      const window = meteredCost({ terms, promptTokens, outputTokens: IN_FLIGHT_TOKENS });
      return leaveOpen(bought, delivered, window, cancelledError());
    }
    if (accept === null || refused || (nothing && error !== null)) {
      await ledger.finish(requestId, failed(delivered, error?.message ?? "cancelled before it began"));
      if (error !== null && !BLAMELESS.includes(error.code) && !error.code.startsWith("payment.")) {
        peers.exclude(offer.peerId, error.message);
      }
      return { requestId, error: error ?? cancelledError(), textDelivered: text !== "" };
    }
    const { generation } = parseBody(ask.endpoint, ask.body);
    const reported = end?.outputTokens ?? signed?.receipt.outputTokens ?? 0;
    const promptTokens =
      signed !== null && accept.promptTokens === 0
        ? Math.min(signed.receipt.promptTokens, ask.body.length)
        : accept.promptTokens;
    const seen: Observed = {
      offer: { ...offer, proofLevel: levelOfAnswer(offer.proofLevel, generation.temperature) },
      terms,
      payload,
      promptTokens,
      cachedTokens: Math.min(signed?.receipt.cachedTokens ?? 0, promptTokens),
      promptHash: accept.promptHash,
      seed: deriveSeed({ ...terms, providerNonce: accept.providerNonce, userSeed: generation.seed }),
      tokens,
      // An upstream gives no ids; a token has at least one byte of text, so its count is bounded by what was read.
      outputTokens:
        tokens.length > 0 ? tokens.length : Math.min(reported, Buffer.byteLength(text), terms.maxOutputTokens),
      text,
      endedAt: Date.now(),
    };
    const cost = meteredCost(seen);
    if (signed === null) {
      // Whatever was delivered is owed once the provider signs for it; until then it is set aside.
      const window = meteredCost({ ...seen, outputTokens: seen.outputTokens + IN_FLIGHT_TOKENS });
      return leaveOpen(bought, delivered, window, error ?? (cancelled ? cancelledError() : missingReceipt()));
    }
    if (cancelled && signed.receipt.outputTokens > seen.outputTokens) {
      // The provider was done before it heard of the cancellation; what was under way is paid.
      const window = meteredCost({ ...seen, outputTokens: seen.outputTokens + IN_FLIGHT_TOKENS });
      return payUnseen({ ...bought, reserved: atMost(window, reserved) }, delivered, signed);
    }
    const faults = receiptFaults(signed, seen, receiptBinding, modules.recoverAddress);
    const state = faults.length === 0 ? "done" : "disputed";
    const { cachedTokens, outputTokens } = seen;
    const usage = { promptTokens, cachedTokens, outputTokens };
    const channel = await ledger.finish(requestId, {
      ...open(delivered),
      state,
      cost,
      usage,
      reserved: microUsd(0n),
      signed,
      fault: faults.length === 0 ? null : faults.join("; "),
    });
    if (faults.length > 0) {
      log("warn", `receipt of ${offer.provider} is wrong, paid by own count: ${faults.join("; ")}`, { requestId });
      peers.exclude(offer.peerId, "its receipt was wrong");
    }
    vouchers.afterAnswer(link, channel.id);
    const failure = error ?? levelError(signed.receipt.proofLevel, ask.policy);
    if (failure !== null) {
      return { requestId, error: failure, textDelivered: text !== "" };
    }
    return {
      requestId,
      error: null,
      answer: {
        requestId,
        offer,
        stopReason: cancelled ? "cancelled" : (end?.stopReason ?? signed.receipt.stopReason),
        usage,
        cost,
      },
    };
  }

  /** A receipt for a cancelled request that says more than was seen: what was under way is paid, within bounds. */
  async function payUnseen(
    { offer, terms, payload, link, reserved }: Bought,
    delivered: Delivered,
    signed: NonNullable<Delivered["signed"]>,
  ): Promise<Purchase> {
    const { requestId, channelId } = terms;
    const stored = { id: requestId, channelId, provider: offer.provider, request: payload, reserved };
    const cost = unseenCost(signed, stored, offer.receiptKey, receiptBinding, modules.recoverAddress);
    if (cost === null) {
      await ledger.finish(requestId, failed(delivered, "its receipt was wrong"));
    } else {
      const state = cost === signed.receipt.cost ? ("done" as const) : ("disputed" as const);
      const fault = `cancelled; the receipt of ${signed.receipt.cost} units covers what was still under way`;
      const result = { ...open(delivered), signed, state, cost, usage: receiptUsage(signed), fault };
      vouchers.afterAnswer(link, (await ledger.finish(requestId, result)).id);
    }
    return { requestId, error: cancelledError(), textDelivered: delivered.text !== "" };
  }

  /** Ends a request for which a receipt may still come, and asks for it. */
  async function leaveOpen(
    { terms: { requestId }, link, reserved }: Bought,
    delivered: Delivered,
    window: MicroUsd,
    error: DepinferError,
  ): Promise<Purchase> {
    await ledger.finish(requestId, { ...open(delivered), reserved: atMost(window, reserved), fault: error.message });
    underWay.delete(requestId);
    if (!link.closed) {
      modules.onBroken(link);
    }
    return { requestId, error, textDelivered: delivered.text !== "" };
  }
}

interface Bought {
  readonly ask: Ask;
  readonly offer: Offer;
  readonly terms: RequestTerms;
  readonly payload: Uint8Array;
  readonly link: Link;
  /** Most that it may cost. */
  readonly reserved: MicroUsd;
}

/** A delivered answer whose price is not settled. */
function open({ accept, tokens, text, signed }: Delivered): FinishedRequest {
  return {
    state: "broken",
    cost: microUsd(0n),
    usage: NO_TOKENS,
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
