import type { Answer, Buyer } from "@depinfer/client";
import {
  costDown,
  DepinferError,
  decodeRequest,
  errorMessage,
  type Hex,
  type Log,
  type MicroUsd,
} from "@depinfer/protocol";
import { encodePaymentResponseHeader } from "@x402/core/http";
import type { SettleResponse } from "@x402/core/types";
import { goneSignal, heldReply, httpReply, type Reply, sendWhole } from "../reply.ts";
import { serve } from "../serve.ts";
import type { Payments } from "./resource-server.ts";
import type { Sale } from "./seller.ts";

export interface BatchModules {
  readonly buyer: Buyer;
  readonly payments: Payments;
  readonly log: Log;
}

/**
 * Sells answers over a payment channel: the voucher covers the most that the request can cost and is checked before; what
 * the answer really cost is charged after, before its last piece is sent. The first request of a channel, which carries
 * the deposit, is held back until the deposit is on the chain. Streams after it flow.
 */
export function createBatchSale({ buyer, payments, log }: BatchModules): (sale: Sale) => Promise<void> {
  const { server } = payments;

  async function charge({ payment, requirements }: Sale, cost: MicroUsd): Promise<SettleResponse> {
    // A rounding of the provider's must never pass what the client signed for.
    const most = BigInt(requirements.amount);
    const amount = (cost < most ? cost : most).toString();
    let result: SettleResponse;
    try {
      result = await server.settlePayment(payment, requirements, undefined, undefined, { amount });
    } catch (error) {
      throw notCharged(errorMessage(error));
    }
    if (!result.success) {
      throw notCharged(result.errorReason ?? "unknown");
    }
    return result;
  }

  return async (sale) => {
    const { asked, quote, payment, requirements, response } = sale;
    if (payment.payload.type === "refund") {
      await sale.refuse(invalid("a refund pays for nothing; ask for it with GET"));
      return;
    }
    const { valid, reason } = await sale.verify();
    if (!valid) {
      await server
        .createPaymentCancellationDispatcher(payment, requirements)
        .cancel({ reason: "after_verify_aborted" });
      await sale.refuse(invalid(reason), reason);
      return;
    }
    const flows = payment.payload.type === "voucher" && asked.parsed.stream;
    const held = heldReply();
    const sold: Sold = { bought: null, charged: null };
    const reply = flows ? noted(httpReply(response), () => noteOf(sold)) : held.reply;
    const gone = goneSignal(response);
    const priced = { ...asked, policy: { ...asked.policy, providers: quote.providers } };
    try {
      const served = await serve(buyer, priced, { account: accountOf(payment.payload) }, reply, gone, {
        onBought(requestId, promptTokens) {
          sold.bought = { requestId, promptTokens };
        },
        async onAnswer({ cost }: Answer) {
          sold.charged = await charge(sale, cost);
        },
      });
      const whole = held.whole();
      if (!flows && whole !== null && sold.charged !== null) {
        const headers = { ...whole.headers, "payment-response": encodePaymentResponseHeader(sold.charged) };
        await sendWhole(response, { ...whole, headers });
      }
      if ("error" in served) {
        await settleBroken(sale, sold, flows && gone.aborted);
      }
    } catch (error) {
      await settleBroken(sale, sold, flows && gone.aborted);
      throw error;
    }
  };

  /** Ends a sale without a whole answer. A client that left its stream pays what it was sent; else nothing is taken. */
  async function settleBroken(sale: Sale, sold: Sold, left: boolean): Promise<void> {
    if (sold.charged !== null) {
      return;
    }
    const partial = left ? partialCost(buyer, sold) : null;
    if (partial === null) {
      await server
        .createPaymentCancellationDispatcher(sale.payment, sale.requirements)
        .cancel({ reason: "handler_failed" });
      return;
    }
    try {
      await charge(sale, partial);
    } catch (error) {
      log("warn", `a stream that its client left could not be charged: ${errorMessage(error)}`);
    }
  }
}

/** What became of a sale so far. */
interface Sold {
  bought: { readonly requestId: Hex; readonly promptTokens: number } | null;
  charged: SettleResponse | null;
}

/** What was delivered of an answer that its client left, by our own count. */
function partialCost(buyer: Buyer, { bought }: Sold): MicroUsd | null {
  const stored = bought === null ? undefined : buyer.request(bought.requestId);
  if (bought === null || stored === undefined || stored.state === "failed") {
    return null;
  }
  if (stored.cost > 0n) {
    return stored.cost;
  }
  const { prices } = decodeRequest(stored.request).terms;
  return costDown({ promptTokens: bought.promptTokens, cachedTokens: 0, outputTokens: stored.tokens.length }, prices);
}

function noteOf({ charged }: Sold): string {
  return charged === null ? "" : `: payment-response ${encodePaymentResponseHeader(charged)}\n\n`;
}

/** As `inner`, with a comment before the last piece of a stream: its headers went out before the charge was known. */
function noted(inner: Reply, note: () => string): Reply {
  return {
    get begun() {
      return inner.begun;
    },
    get closed() {
      return inner.closed;
    },
    begin: (head) => inner.begin(head),
    write: (text) => inner.write(text),
    end: (text) => inner.end(note() + text),
    breakOff: (text) => inner.breakOff(text),
  };
}

function accountOf(payload: Readonly<Record<string, unknown>>): string {
  const config = payload.channelConfig;
  const payer = config !== null && typeof config === "object" && "payer" in config ? config.payer : "unknown";
  return `x402:${String(payer).toLowerCase()}`;
}

function invalid(reason: string): DepinferError {
  return new DepinferError({
    code: "payment.invalid",
    message: `The payment does not hold: ${reason}`,
    remedy:
      "Nothing was taken. Follow the PAYMENT-REQUIRED header, which holds the state of the channel when it is known",
    metadata: { reason },
  });
}

function notCharged(reason: string): DepinferError {
  return new DepinferError({
    code: "payment.notSettled",
    message: `The answer was ready, and the channel could not be charged: ${reason}`,
    remedy: "Nothing was taken and the answer was withheld. Show a fresh payment",
    metadata: { reason },
  });
}
