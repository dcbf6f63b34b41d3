import type { Chain } from "@depinfer/chain";
import type { Link } from "@depinfer/network";
import { deriveSeed } from "@depinfer/proof";
import {
  type Accept,
  type DepinferError,
  type Hex,
  type Log,
  levelOfGeneration,
  type MicroUsd,
  microUsd,
  type Offer,
  parseBody,
  type RequestTerms,
  type SignedReceipt,
} from "@depinfer/protocol";
import type { Ask } from "./ask.ts";
import type { Delivered } from "./attempt.ts";
import { type Begun, begunBy, type CoveredPart, coveredBy } from "./begun.ts";
import type { Answer } from "./buyer.ts";
import type { BuyerLedger } from "./buyer-ledger.ts";
import { type FinishedRequest, NO_TOKENS } from "./buyer-rows.ts";
import type { Health } from "./health.ts";
import { atMost, mostPromptTokens } from "./price-limit.ts";
import { cancelledError, levelError, missingReceipt } from "./purchase-errors.ts";
import { meteredCost, type Observed, receiptFaults, receiptUsage } from "./receipt-check.ts";
import { unseenCost } from "./unseen-receipt.ts";
import type { VoucherSender } from "./voucher-sender.ts";

/** One request as it was sent. */
export interface Bought {
  readonly ask: Ask;
  readonly offer: Offer;
  readonly terms: RequestTerms;
  readonly payload: Uint8Array;
  readonly link: Link;
  /** Most that it may cost. */
  readonly reserved: MicroUsd;
  /** What came before it, when it continues an answer. */
  readonly before: Begun | null;
}

/** How one attempt at one provider ended. */
export type Purchase = { readonly requestId: Hex } & (
  | { readonly error: null; readonly answer: Answer }
  | {
      readonly error: DepinferError;
      readonly textDelivered: boolean;
      /** What another provider can go on from, or null. */
      readonly begun: Begun | null;
    }
);

export interface SettlementModules {
  readonly chain: Chain;
  readonly ledger: BuyerLedger;
  readonly health: Pick<Health, "failed" | "succeeded">;
  readonly vouchers: Pick<VoucherSender, "afterAnswer">;
  readonly recoverAddress: (digest: Uint8Array, signature: Hex) => Hex;
  readonly log: Log;
  /** Requests that are being bought now; nobody else settles them. */
  readonly underWay: Set<Hex>;
  /** Told when the provider of a broken request may still bring its receipt. */
  readonly onBroken: (link: Link) => void;
}

/**
 * Tokens that may have been under way when a stream broke or was cancelled, and for which a provider's receipt is still
 * paid: the one bounded window beyond what was received. Providers grant buyers the same.
 */
const IN_FLIGHT_TOKENS = 256;

/** Refusals that say nothing against a provider. */
const BLAMELESS: readonly string[] = ["provider.busy", "provider.passPriceTooLow"];

/** Decides what is paid for what was delivered: checks the receipt, or leaves the request open until there is one. */
export function createSettlement(
  modules: SettlementModules,
): (delivered: Delivered, bought: Bought) => Promise<Purchase> {
  const { chain, ledger, health, vouchers, log, underWay } = modules;
  const binding = { chainId: chain.deployment.chainId, verifyingContract: chain.receipts.address };

  return async (delivered, bought) => {
    const { ask, offer, terms, link, reserved } = bought;
    const { requestId } = terms;
    const { accept, tokens, text, end, signed, error, cancelled } = delivered;
    const nothing = tokens.length === 0 && text === "";
    const textDelivered = text !== "";
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
        health.failed(offer.peerId, error.message);
      }
      const begun = accept === null ? bought.before : begunBy(bought, accept, null, microUsd(0n));
      return { requestId, error: error ?? cancelledError(), textDelivered, begun: nothing ? bought.before : begun };
    }
    const seen = observe(bought, delivered, accept);
    if (signed === null) {
      // Whatever was delivered is owed once the provider signs for it; until then it is set aside.
      const window = meteredCost({ ...seen, outputTokens: seen.outputTokens + IN_FLIGHT_TOKENS });
      const reason = error ?? (cancelled ? cancelledError() : missingReceipt());
      const part = coveredPart(bought, delivered, seen);
      if (!cancelled) {
        health.failed(offer.peerId, reason.message);
      }
      const purchase = await leaveOpen(bought, delivered, window, reason, part);
      const begun = begunBy(bought, accept, part?.covered ?? null, part?.cost ?? microUsd(0n));
      return { ...purchase, begun: tokens.length === 0 ? bought.before : begun };
    }
    if (cancelled && signed.receipt.outputTokens > seen.outputTokens) {
      // The provider was done before it heard of the cancellation; what was under way is paid.
      const window = meteredCost({ ...seen, outputTokens: seen.outputTokens + IN_FLIGHT_TOKENS });
      return payUnseen({ ...bought, reserved: atMost(window, reserved) }, delivered, signed);
    }
    const cost = meteredCost(seen);
    const faults = receiptFaults(signed, seen, binding, modules.recoverAddress);
    const state = faults.length === 0 ? "done" : "disputed";
    const { promptTokens, cachedTokens, outputTokens } = seen;
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
      health.failed(offer.peerId, "its receipt was wrong");
    } else {
      health.succeeded(offer.peerId);
    }
    vouchers.afterAnswer(link, channel.id);
    const failure = error ?? levelError(signed.receipt.proofLevel, ask.policy);
    if (failure !== null) {
      return { requestId, error: failure, textDelivered, begun: null };
    }
    const { before } = bought;
    return {
      requestId,
      error: null,
      answer: {
        requestId: before?.receipts[0] ?? requestId,
        receipts: [...(before?.receipts ?? []), requestId],
        offer,
        stopReason: cancelled ? "cancelled" : (end?.stopReason ?? signed.receipt.stopReason),
        usage:
          before === null ? usage : { ...before.usage, outputTokens: before.usage.outputTokens + usage.outputTokens },
        cost: microUsd(cost + (before?.cost ?? 0n)),
      },
    };
  };

  /** What a receipt that was signed while the answer streamed makes due at once, or null. */
  function coveredPart(bought: Bought, delivered: Delivered, seen: Observed): SignedPart | null {
    const { interim } = delivered;
    const covered = interim === null ? null : coveredBy(interim, delivered);
    if (interim === null || covered === null) {
      return null;
    }
    const part: Observed = {
      ...seen,
      ...covered,
      outputTokens: covered.tokens.length,
      cachedTokens: Math.min(interim.receipt.cachedTokens, seen.promptTokens),
    };
    const faults = receiptFaults(interim, part, binding, modules.recoverAddress);
    if (faults.length > 0) {
      const { requestId } = bought.terms;
      log("warn", `${bought.offer.provider} signed wrongly for a part: ${faults.join("; ")}`, { requestId });
      return null;
    }
    return { signed: interim, covered, cost: meteredCost(part) };
  }

  /** A receipt for a cancelled request that says more than was seen: what was under way is paid, within bounds. */
  async function payUnseen(
    { offer, terms, payload, link, reserved, before }: Bought,
    delivered: Delivered,
    signed: SignedReceipt,
  ): Promise<Purchase> {
    const { requestId, channelId } = terms;
    const stored = { id: requestId, channelId, provider: offer.provider, request: payload, reserved };
    const cost = unseenCost(signed, stored, offer.receiptKey, binding, modules.recoverAddress);
    if (cost === null) {
      await ledger.finish(requestId, failed(delivered, "its receipt was wrong"));
    } else {
      const state = cost === signed.receipt.cost ? ("done" as const) : ("disputed" as const);
      const fault = `cancelled; the receipt of ${signed.receipt.cost} units covers what was still under way`;
      const result = { ...open(delivered), signed, state, cost, usage: receiptUsage(signed), fault };
      vouchers.afterAnswer(link, (await ledger.finish(requestId, result)).id);
    }
    return { requestId, error: cancelledError(), textDelivered: delivered.text !== "", begun: before };
  }

  /** Ends a request for which a receipt may still come, and asks for it. What is signed for already is paid. */
  async function leaveOpen(
    { terms: { requestId }, link, reserved, before }: Bought,
    delivered: Delivered,
    window: MicroUsd,
    error: DepinferError,
    part: SignedPart | null = null,
  ): Promise<Purchase & { readonly error: DepinferError }> {
    const most = atMost(window, reserved);
    const paid =
      part === null ? {} : { ...part.covered, signed: part.signed, cost: part.cost, usage: receiptUsage(part.signed) };
    const left = most - (part?.cost ?? 0n);
    const channel = await ledger.finish(requestId, {
      ...open(delivered),
      ...paid,
      reserved: microUsd(left < 0n ? 0n : left),
      fault: error.message,
    });
    underWay.delete(requestId);
    if (!link.closed) {
      if (part !== null) {
        vouchers.afterAnswer(link, channel.id);
      }
      modules.onBroken(link);
    }
    return { requestId, error, textDelivered: delivered.text !== "", begun: before };
  }
}

interface SignedPart {
  readonly signed: SignedReceipt;
  readonly covered: CoveredPart;
  readonly cost: MicroUsd;
}

/** What the buyer saw of an answer that a provider took. */
function observe({ ask, offer, terms, payload }: Bought, delivered: Delivered, accept: Accept): Observed {
  const { tokens, text, end, signed } = delivered;
  const { generation } = parseBody(ask.endpoint, ask.body);
  const reported = end?.outputTokens ?? signed?.receipt.outputTokens ?? 0;
  const promptTokens =
    signed !== null && accept.promptTokens === 0
      ? Math.min(signed.receipt.promptTokens, ask.body.length)
      : accept.promptTokens;
  return {
    offer: { ...offer, proofLevel: levelOfGeneration(offer.proofLevel, generation) },
    terms,
    payload,
    promptTokens,
    cachedTokens: Math.min(signed?.receipt.cachedTokens ?? 0, promptTokens),
    promptHash: accept.promptHash,
    seed: deriveSeed({
      ...(terms.resume ?? { ...terms, providerNonce: accept.providerNonce }),
      classId: terms.classId,
      userSeed: generation.seed,
    }),
    tokens,
    // An upstream gives no ids; a token has at least one byte of text, so its count is bounded by what was read.
    outputTokens:
      tokens.length > 0 ? tokens.length : Math.min(reported, Buffer.byteLength(text), terms.maxOutputTokens),
    text,
    endedAt: Date.now(),
  };
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
