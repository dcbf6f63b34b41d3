import type { EvmAccount } from "@depinfer/chain/evm-account";
import type { Buyer } from "@depinfer/client";
import { DepinferError, errorMessage, type Hex, type Log, microUsd } from "@depinfer/protocol";
import { encodePaymentResponseHeader } from "@x402/core/http";
import type { SettleResponse } from "@x402/core/types";
import { heldReply, sendWhole, type WholeReply } from "../reply.ts";
import { recoverAnswer, serve } from "../serve.ts";
import type { Commitments } from "./commitments.ts";
import { exactPaymentOf } from "./payment.ts";
import type { PaymentStore, ShownPayment } from "./payment-store.ts";
import type { Payments } from "./resource-server.ts";
import type { Sale } from "./seller.ts";

export interface ExactModules {
  readonly buyer: Buyer;
  readonly account: EvmAccount;
  readonly store: PaymentStore;
  readonly commitments: Commitments;
  readonly payments: Payments;
  readonly log: Log;
}

/** Seconds that an authorization must still hold when its request begins, and when its answer is settled. */
const LEAST_SECONDS = 60;
const SETTLE_SECONDS = 15;

/**
 * Sells one answer for one EIP-3009 authorization: verified first, the answer bought and held back, the payment settled,
 * and only then the answer handed out. Nothing is taken for an answer that fails. The work goes on when the client goes
 * away, and the same request with the same payment gets the answer then, once.
 */
export function createExactSale(modules: ExactModules): (sale: Sale) => Promise<void> {
  const { buyer, account, store, commitments, payments, log } = modules;
  const { server, token } = payments;

  /** Takes the money, whoever sends the transfer. Null when it cannot be had. */
  async function settle(sale: Sale, shown: ShownPayment, sinceBlock: bigint): Promise<SettleResponse | null> {
    const { payment, requirements } = sale;
    let why: string;
    try {
      const result = await server.settlePayment(payment, requirements);
      if (result.success) {
        return result;
      }
      why = result.errorReason ?? "unknown";
    } catch (error) {
      why = errorMessage(error);
    }
    // Anybody may send a signed transfer, and an answer about ours may have been lost: what counts is the chain.
    const end = await account.authorizationEnd(token.address, shown.payer, shown.nonce, sinceBlock);
    if (end.kind === "transferred") {
      return { success: true, transaction: end.hash, network: requirements.network, payer: shown.payer };
    }
    log("warn", `an answer was bought and its x402 payment could not be settled: ${why}`, { payer: shown.payer });
    return null;
  }

  async function handOut(sale: Sale, shown: ShownPayment, reply: WholeReply): Promise<void> {
    const delivered = await sendWhole(sale.response, reply);
    await store.release(shown, delivered ? "delivered" : "undelivered");
  }

  async function settleAndHandOut(
    sale: Sale,
    shown: ShownPayment,
    reply: WholeReply,
    sinceBlock: bigint,
  ): Promise<void> {
    const settled = await settle(sale, shown, sinceBlock);
    if (settled === null) {
      commitments.lost(sale.quote.most);
      await store.release(shown, "free");
      await sale.refuse(notSettled());
      return;
    }
    const paid = { ...reply, headers: { ...reply.headers, "payment-response": encodePaymentResponseHeader(settled) } };
    await store.settled(shown, toHash(settled.transaction), paid);
    await handOut(sale, shown, paid);
  }

  async function buy(sale: Sale, shown: ShownPayment): Promise<void> {
    const { valid, reason } = await sale.verify();
    if (!valid) {
      await store.release(shown, "free");
      await sale.refuse(invalid(reason), reason);
      return;
    }
    // After the signature was checked, so that nobody can promise another's money.
    const release = await sale.limited(() => commitments.hold(shown.payer, shown.amount));
    try {
      await serveAndSettle(sale, shown);
    } finally {
      release();
    }
  }

  async function serveAndSettle(sale: Sale, shown: ShownPayment): Promise<void> {
    const { asked, quote } = sale;
    const { reply, whole } = heldReply();
    const deadline = AbortSignal.timeout(Math.max(0, (shown.validBefore - SETTLE_SECONDS) * 1000 - Date.now()));
    const priced = { ...asked, policy: { ...asked.policy, providers: quote.providers } };
    await serve(buyer, priced, { account: `x402:${shown.payer}` }, reply, deadline, {
      onBought: (requestId) => store.bought(shown, requestId),
    });
    const answer = whole();
    if (answer === null || deadline.aborted) {
      throw tooSlow();
    }
    await settleAndHandOut(sale, shown, answer, shown.sinceBlock);
  }

  return async (sale) => {
    const { authorization } = exactPaymentOf(sale.payment);
    if (Number(authorization.validBefore) < Date.now() / 1000 + LEAST_SECONDS) {
      await sale.refuse(expired(authorization.validBefore));
      return;
    }
    const shown: ShownPayment = {
      payer: authorization.from,
      nonce: authorization.nonce,
      asked: sale.asked.hash,
      amount: microUsd(authorization.value),
      validBefore: Number(authorization.validBefore),
      sinceBlock: await sale.limited(() => account.blockNumber()),
    };
    let held: Awaited<ReturnType<PaymentStore["take"]>>;
    try {
      held = await store.take(shown);
    } catch (error) {
      if (error instanceof DepinferError && error.code === "payment.used") {
        await sale.refuse(error);
        return;
      }
      throw error;
    }
    if (held.kind === "undelivered") {
      await handOut(sale, shown, held.reply);
      return;
    }
    try {
      const left = held.kind === "cutOff" ? await recoverAnswer(buyer, sale.asked, held.requestId) : "free";
      if (held.kind === "cutOff" && typeof left !== "string") {
        await settleAndHandOut(sale, shown, left, held.sinceBlock);
        return;
      }
      await buy(sale, shown);
    } catch (error) {
      await store.release(shown, "free");
      if (error instanceof DepinferError && error.code === "payment.overcommitted") {
        await sale.refuse(error);
        return;
      }
      throw error;
    }
  };
}

function toHash(transaction: string): Hex {
  return `0x${transaction.replace(/^0x/, "")}`;
}

function invalid(reason: string): DepinferError {
  return new DepinferError({
    code: "payment.invalid",
    message: `The payment does not hold: ${reason}`,
    remedy: "Nothing was taken. Check the wallet's balance, and pay again as the PAYMENT-REQUIRED header says",
    metadata: { reason },
  });
}

function expired(validBefore: bigint): DepinferError {
  return new DepinferError({
    code: "payment.expired",
    message: `The payment is valid before ${validBefore}, which leaves less than ${LEAST_SECONDS} seconds for the answer`,
    remedy: "Nothing was taken. Sign a payment that holds as long as the PAYMENT-REQUIRED header says",
  });
}

function notSettled(): DepinferError {
  return new DepinferError({
    code: "payment.notSettled",
    message: "The answer was ready, and the payment could not be settled any more",
    remedy: "Nothing was taken and the answer was withheld. Keep the balance until the answer is there, and pay again",
  });
}

function tooSlow(): DepinferError {
  return new DepinferError({
    code: "payment.tooSlow",
    message: "The answer took longer than the payment holds",
    remedy: "Nothing was taken. Ask for fewer tokens with max_tokens, or pay by `batch-settlement`",
  });
}
