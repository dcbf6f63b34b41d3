import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { EvmAccount } from "@depinfer/chain/evm-account";
import type { Buyer } from "@depinfer/client";
import type { Journal } from "@depinfer/journal";
import { DepinferError, errorMessage, type Log, type MicroUsd, microUsd } from "@depinfer/protocol";
import { encodePaymentRequiredHeader, encodePaymentResponseHeader } from "@x402/core/http";
import type { PaymentPayload, PaymentRequirements, ResourceInfo } from "@x402/core/types";
import type { Asked } from "../asked.ts";
import { describeError, sendJson } from "../http-error.ts";
import { createBatchSale } from "./batch-sale.ts";
import { createChannelStore } from "./channel-store.ts";
import { createCommitments } from "./commitments.ts";
import { createExactSale } from "./exact-sale.ts";
import { paymentOf } from "./payment.ts";
import { createPaymentStore } from "./payment-store.ts";
import { type Quote, quoteFor } from "./quote.ts";
import { mismatch, nothingToRefund, paymentRequired, unverified, urlOf } from "./refusals.ts";
import { createPayments } from "./resource-server.ts";

export interface SellerModules {
  readonly buyer: Buyer;
  readonly journal: Journal;
  /** The wallet that is paid, and that settles the payments. */
  readonly account: EvmAccount;
  readonly log: Log;
}

export interface SellerOptions {
  readonly chainId: number;
  /** The token that payments are made in. */
  readonly token: `0x${string}`;
  /** Units on top of each `exact` payment, for the gas of its transfer. */
  readonly settlementFee: MicroUsd;
  /** Payments that are verified at the same time at most. */
  readonly mostVerifications?: number;
  /** Units of answers whose payment failed after all that may be lost within an hour before selling pauses. */
  readonly mostLoss?: MicroUsd;
  /** Milliseconds for which what the chain said of a channel is believed. */
  readonly channelStateMs?: number;
  /** Milliseconds between claims of `batch-settlement` vouchers. */
  readonly claimMs?: number;
}

/** Sells answers to anybody who pays by x402, without a key. */
export interface Seller {
  /** Answers a request, or says what it costs. */
  sell(asked: Asked, request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Gives back what a `batch-settlement` channel still holds, to clients that ask with `GET` and a refund. */
  refund(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Sums of what was earned, by scheme. */
  income(): readonly { readonly scheme: string; readonly payments: number; readonly amount: bigint }[];
  /** Units that channels were charged and that are not claimed yet. */
  unclaimed(): Promise<bigint>;
  /** Claims what vouchers are worth. */
  claim(): Promise<void>;
  /** Claims once more, for a moment at most, and stops claiming by the clock. */
  stop(): Promise<void>;
}

/** One request with its price and the payment that came with it. */
export interface Sale {
  readonly asked: Asked;
  readonly quote: Quote;
  readonly payment: PaymentPayload;
  readonly requirements: PaymentRequirements;
  readonly response: ServerResponse;
  /** Answers 402 with what has to be paid instead. */
  refuse(error: DepinferError, reason?: string): Promise<void>;
  /** Verifies the payment, within the limit of simultaneous verifications as everything that asks the chain for it is. */
  verify(): Promise<{ readonly valid: boolean; readonly reason: string }>;
  limited<T>(work: () => Promise<T>): Promise<T>;
}

/**
 * How long a payment has to hold, in seconds. An answer is served first and settled after, so that an authorization must
 * outlive both.
 */
const PAYMENT_SECONDS = 300;
const MOST_VERIFICATIONS = 16;
/** A dollar an hour: enough for honest accidents, and nothing that is worth an attack. */
const MOST_LOSS = microUsd(1_000_000);
/** An announced exit is seen at latest so long after, of the fifteen minutes that it takes. */
const CHANNEL_STATE_MS = 60_000;
/** Far below the fifteen minutes after which a payer can take back what was not claimed. */
const CLAIM_MS = 300_000;
/** A service has to end within seconds; what is not claimed by then is claimed at the next start. */
const LAST_CLAIM_MS = 1_000;

export async function createSeller(modules: SellerModules, options: SellerOptions): Promise<Seller> {
  const { buyer, journal, account, log } = modules;
  const store = createPaymentStore(journal);
  const payments = await createPayments(
    { account, storage: createChannelStore(journal) },
    { ...options, channelStateMs: options.channelStateMs ?? CHANNEL_STATE_MS },
  );
  const { server } = payments;
  const commitments = createCommitments(payments.balanceOf, options.mostLoss ?? MOST_LOSS);
  const sales = {
    exact: createExactSale({ buyer, account, store, commitments, payments, log }),
    "batch-settlement": createBatchSale({ buyer, payments, commitments, log }),
  };
  const most = options.mostVerifications ?? MOST_VERIFICATIONS;
  let verifying = 0;
  const timer = payments.batch === null ? null : setInterval(claim, options.claimMs ?? CLAIM_MS).unref();

  async function claim(): Promise<void> {
    try {
      await payments.batch?.claim();
    } catch (error) {
      log("warn", `claiming x402 vouchers failed, and is tried again: ${errorMessage(error)}`);
    }
  }

  function accepted(amount: MicroUsd): Promise<PaymentRequirements[]> {
    const { network, token } = payments;
    const option = (scheme: string, units: bigint) => ({
      scheme,
      network,
      payTo: account.address,
      maxTimeoutSeconds: PAYMENT_SECONDS,
      price: { amount: units.toString(), asset: token.address, extra: { name: token.name, version: token.version } },
    });
    // Nothing is free, since a payment of nothing cannot be told from none.
    const units = amount > 0n ? amount : 1n;
    return server.buildPaymentRequirementsFromOptions(
      [
        option("exact", units + options.settlementFee),
        ...(payments.batch === null ? [] : [option("batch-settlement", units)]),
      ],
      undefined,
    );
  }

  async function limited<T>(work: () => Promise<T>): Promise<T> {
    if (verifying >= most) {
      throw new DepinferError({
        code: "payment.busy",
        message: `${verifying} payments are being verified, which is as many as this gateway takes at once`,
        remedy: "Send the same request with the same payment again in a moment; nothing was taken",
        retryable: true,
      });
    }
    verifying++;
    try {
      return await work();
    } finally {
      verifying--;
    }
  }

  /** What answers 402 with what has to be paid instead. */
  function refuser(
    options402: PaymentRequirements[],
    payment: PaymentPayload | null,
    resource: ResourceInfo,
    response: ServerResponse,
  ): Sale["refuse"] {
    return async (error, reason) => {
      const required = await server.createPaymentRequiredResponse(
        options402,
        resource,
        reason ?? error.code,
        undefined,
        undefined,
        payment ?? undefined,
      );
      const { status, body } = describeError(error);
      sendJson(response, status, body, {
        "payment-required": encodePaymentRequiredHeader(required),
        "cache-control": "no-store",
      });
    };
  }

  return {
    async refund(request, response) {
      const { batch } = payments;
      const payment = paymentOf(request);
      const channels = (await accepted(microUsd(0n))).filter(({ scheme }) => scheme === "batch-settlement");
      if (batch === null) {
        throw nothingToRefund("this gateway takes no `batch-settlement` payments");
      }
      const resource = { url: urlOf(request), description: "Refund of a channel", mimeType: "application/json" };
      const refuse = refuser(channels, payment, resource, response);
      if (payment === null) {
        await refuse(nothingToRefund("no channel was named"));
        return;
      }
      const requirements = server.findMatchingRequirements(channels, payment);
      if (requirements === undefined || payment.payload.type !== "refund") {
        await refuse(nothingToRefund("the payment is no refund of a channel of this gateway"));
        return;
      }
      const result = await limited(() => server.verifyPayment(payment, requirements).catch(unverified));
      if (!result.isValid) {
        const reason = result.invalidReason ?? "unknown";
        await refuse(nothingToRefund(reason), reason);
        return;
      }
      const settled = await server.settlePayment(payment, requirements);
      sendJson(response, settled.success ? 200 : 402, result.skipHandler?.body ?? {}, {
        "payment-response": encodePaymentResponseHeader(settled),
      });
    },
    async sell(asked, request, response) {
      const payment = paymentOf(request);
      const quote = quoteFor(buyer, asked);
      if (payment !== null) {
        commitments.check();
      }
      const options402 = await accepted(quote.most);

      const refuse = refuser(
        options402,
        payment,
        {
          url: urlOf(request),
          description: `An answer of ${asked.parsed.model}`.replaceAll(/[^\x20-\x7e]/g, "?"),
          mimeType: asked.parsed.stream ? "text/event-stream" : "application/json",
        },
        response,
      );
      if (payment === null) {
        await refuse(paymentRequired(quote, options402, payments.token));
        return;
      }
      const requirements = server.findMatchingRequirements(options402, payment);
      if (requirements === undefined) {
        await refuse(mismatch(payment, options402));
        return;
      }
      const sale: Sale = {
        asked,
        quote,
        payment,
        requirements,
        response,
        refuse,
        limited,
        async verify() {
          const result = await limited(() => server.verifyPayment(payment, requirements).catch(unverified));
          return { valid: result.isValid, reason: result.invalidReason ?? "unknown" };
        },
      };
      await (requirements.scheme === "exact" ? sales.exact(sale) : sales["batch-settlement"](sale));
    },
    income: store.income,
    unclaimed: async () => (await payments.batch?.unclaimed()) ?? 0n,
    claim,
    async stop() {
      if (timer !== null) {
        clearInterval(timer);
        await Promise.race([claim(), sleep(LAST_CLAIM_MS, undefined, { ref: false })]);
      }
    },
  };
}
