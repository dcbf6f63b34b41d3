import type { Answer, Buyer } from "@depinfer/client";
import {
  addressSchema,
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
import type { Commitments } from "./commitments.ts";
import type { Payments } from "./resource-server.ts";
import type { Sale } from "./seller.ts";

export interface BatchModules {
  readonly buyer: Buyer;
  readonly payments: Payments;
  readonly commitments: Commitments;
  readonly log: Log;
}

/**
 * Sells answers over a payment channel: the voucher covers the most that the request can cost and is checked before; what
 * the answer really cost is charged after, before its last piece is sent. The first request of a channel, which carries
 * the deposit, is held back until the deposit is on the chain. Streams after it flow.
 */
export function createBatchSale({ buyer, payments, commitments, log }: BatchModules): (sale: Sale) => Promise<void> {
  const { server } = payments;

  async function charge({ payment, requirements }: Sale, cost: MicroUsd): Promise<SettleResponse> {
    // A rounding of the provider's must never pass what the client signed for.
    const most = BigInt(requirements.amount);
    const amount = (cost < most ? cost : most).toString();
    let result: SettleResponse;
    try {
      result = await server.settlePayment(payment, requirements, undefined, undefined, { amount });
    } catch (error) {
      commitments.lost(cost);
      throw notCharged(errorMessage(error));
    }
    if (!result.success) {
      commitments.lost(cost);
      throw notCharged(result.errorReason ?? "unknown");
    }
    return result;
  }

  /** Whether the payer has announced that it takes its deposit back: what is charged from now on may be gone by then. */
  async function isLeaving(channelId: string): Promise<boolean> {
    const channel = await payments.batch?.scheme.getStorage().get(channelId);
    return channel !== undefined && channel.withdrawRequestedAt > 0;
  }

  return async (sale) => {
    const { payment, requirements } = sale;
    if (payment.payload.type === "refund") {
      await sale.refuse(invalid("a refund pays for nothing; ask for it with GET"));
      return;
    }
    const { valid, reason } = await sale.verify();
    const leaving = valid && (await isLeaving(channelOf(payment.payload)));
    if (!valid || leaving) {
      await server
        .createPaymentCancellationDispatcher(payment, requirements)
        .cancel({ reason: "after_verify_aborted" });
      if (leaving) {
        // What it owes has to be claimed before the money is gone; the clock's claim comes too if this one fails.
        payments.batch
          ?.claim()
          .catch((error: unknown) => log("warn", `claiming a channel that closes failed: ${errorMessage(error)}`));
      }
      await (leaving ? sale.refuse(invalid("its channel is being closed")) : sale.refuse(invalid(reason), reason));
      return;
    }
    let release: () => void;
    try {
      release = await sale.limited(() => holdDeposit(payment.payload));
    } catch (error) {
      await settleBroken(sale, { bought: null, charged: null }, false);
      if (error instanceof DepinferError && error.code === "payment.overcommitted") {
        await sale.refuse(error);
        return;
      }
      throw error;
    }
    try {
      await serveAndCharge(sale);
    } finally {
      release();
    }
  };

  /** Keeps what a deposit takes out of the payer's wallet from being promised twice. */
  async function holdDeposit(payload: Readonly<Record<string, unknown>>): Promise<() => void> {
    const payer = payerOf(payload);
    const deposit = depositOf(payload);
    return payer === null || deposit === 0n ? () => undefined : commitments.hold(payer, deposit);
  }

  async function serveAndCharge(sale: Sale): Promise<void> {
    const { asked, quote, payment, response } = sale;
    const flows = payment.payload.type === "voucher" && asked.parsed.stream;
    const held = heldReply();
    const sold: Sold = { bought: null, charged: null };
    const reply = flows ? noted(httpReply(response), () => noteOf(sold)) : held.reply;
    const gone = goneSignal(response);
    const priced = { ...asked, policy: { ...asked.policy, providers: quote.providers } };
    try {
      const served = await serve(buyer, priced, { account: `x402:${payerOf(payment.payload)}` }, reply, gone, {
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
  }

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

/** What a payment takes out of the payer's wallet: the deposit that comes with the first voucher of a channel. */
function depositOf(payload: Readonly<Record<string, unknown>>): bigint {
  const { deposit } = payload;
  const amount = deposit !== null && typeof deposit === "object" && "amount" in deposit ? deposit.amount : undefined;
  return typeof amount === "string" && /^\d{1,30}$/.test(amount) ? BigInt(amount) : 0n;
}

function channelOf(payload: Readonly<Record<string, unknown>>): string {
  const { voucher } = payload;
  return voucher !== null && typeof voucher === "object" && "channelId" in voucher ? String(voucher.channelId) : "";
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

function payerOf(payload: Readonly<Record<string, unknown>>): Hex | null {
  const config = payload.channelConfig;
  const payer = config !== null && typeof config === "object" && "payer" in config ? config.payer : undefined;
  const parsed = addressSchema.safeParse(payer);
  return parsed.success ? parsed.data : null;
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
