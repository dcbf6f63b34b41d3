import type { Chain, Signer } from "@depinfer/chain";
import type { Journal } from "@depinfer/journal";
import type { Host } from "@depinfer/network";
import {
  type Accept,
  DepinferError,
  errorMessage,
  type Hex,
  type Log,
  type MicroUsd,
  microUsd,
  type Offer,
  type Transcript,
  type Usage,
} from "@depinfer/protocol";
import type { Ask } from "./ask.ts";
import { type AccountTotals, createBuyerLedger } from "./buyer-ledger.ts";
import type { BuyerChannel, StoredRequest } from "./buyer-rows.ts";
import { type BuyerChannels, type ChannelOptions, createBuyerChannels } from "./channels.ts";
import type { ExitReport } from "./exits.ts";
import { createPeers } from "./peers.ts";
import { createPurchases } from "./purchase.ts";
import { notSettled } from "./purchase-errors.ts";
import { createReconciler } from "./reconcile.ts";
import { type Decision, route, serves } from "./route.ts";
import type { StatementQuery, StatementRow } from "./statement.ts";
import { createVoucherSender, type VoucherSenderOptions } from "./voucher-sender.ts";

export interface BuyerModules {
  /** Started by the caller. */
  readonly host: Host;
  readonly chain: Chain;
  /** Opened with `BUYER_MIGRATIONS` as one of its parts. */
  readonly journal: Journal;
  /** Signs vouchers. */
  readonly sessionSigner: Signer;
  readonly recoverAddress: (digest: Uint8Array, signature: Hex) => Hex;
  readonly log: Log;
  /** Uniform in [0, 1); for routing only. */
  readonly random: () => number;
  /** What is wrong with an offer's quote, or undefined. Without it no offer passes for `attested`. */
  readonly attestationFault?: (offer: Offer) => string | undefined;
}

export interface BuyerOptions extends ChannelOptions, VoucherSenderOptions {
  /** Providers that are asked before a request fails. */
  readonly attempts?: number;
  /** Milliseconds that the first provider has to take the request; each further one has twice as long. */
  readonly acceptMs?: number;
  /** Milliseconds without any frame after which a provider that took the request is given up. */
  readonly silenceMs?: number;
}

/** What an answer cost and where it came from. */
export interface Answer {
  readonly requestId: Hex;
  readonly offer: Offer;
  readonly stopReason: "end" | "length" | "stopSequence" | "cancelled";
  readonly usage: Usage;
  readonly cost: MicroUsd;
}

export interface AnswerHandlers {
  /** A provider took the request. Called once for each provider that was tried; the last one's answer is the one. */
  readonly onAccept?: (taken: { readonly requestId: Hex; readonly offer: Offer; readonly accept: Accept }) => void;
  /** Text as it arrives. A returned promise holds the provider back. */
  readonly onText: (text: string) => Promise<void> | undefined;
}

/** Buys answers on the market: finds a provider, pays it, checks what it signs. */
export interface Buyer {
  start(): Promise<void>;
  /** Sends the vouchers that wait, and ends. */
  stop(): Promise<void>;
  /**
   * Answers one request. Providers that fail before the first text are replaced, a bounded number of times; a failure
   * after it is an error, since half an answer must not look like a whole one.
   *
   * @throws DepinferError `route.noProvider`, `route.unknownModel`, `wallet.insufficient`, or what the last provider said.
   */
  ask(ask: Ask, handlers: AnswerHandlers, signal?: AbortSignal): Promise<Answer>;
  /** Models on offer now. */
  offers(): readonly Offer[];
  request(id: Hex): StoredRequest | undefined;
  requests(limit: number): readonly StoredRequest[];
  /** What is needed to score an answer again, for answers that were delivered. */
  transcript(id: Hex): Transcript | undefined;
  /** Why the last requests went where they went, newest 1,000. */
  decision(id: Hex): Decision | undefined;
  /** Units that an account has used, with what its requests under way may still cost. */
  spent(account: string): MicroUsd;
  account(name: string): AccountTotals;
  /** What was bought, by day, account, model and provider. */
  statement(query: StatementQuery): readonly StatementRow[];
  /** Every channel that may hold money, for showing where it is. */
  channels(): readonly BuyerChannel[];
  /**
   * Begins the exit of a channel: nothing is paid from it any more, and once its notice is over the rest comes back. It is
   * on disk before it is announced, and goes on after a restart.
   *
   * @throws DepinferError `channel.unknown`, `channel.ofPass`, or what the chain says.
   */
  withdraw(channelId: Hex): Promise<BuyerChannel>;
  /** Takes every exit as far as it goes now; a running buyer does so by itself from time to time. */
  finishWithdrawals(): Promise<ExitReport>;
  money(): { readonly deposited: bigint; readonly owed: bigint; readonly channels: number };
}

const KEPT_DECISIONS = 1_000;
/** Nothing is computed before ACCEPT, so a provider that takes longer is gone or overwhelmed. */
const ACCEPT_MS = 1_000;
/** A busy provider may take this long between two pieces of an answer. */
const SILENCE_MS = 30_000;
/** How often exits are looked after. Their notice is minutes at least on every real network. */
const EXITS_MS = 30_000;

export function createBuyer(modules: BuyerModules, options: BuyerOptions): Buyer {
  const { host, log, attestationFault } = modules;
  const ledger = createBuyerLedger(modules.journal);
  const channels: BuyerChannels = createBuyerChannels({ ...modules, ledger }, options);
  const peers = createPeers(modules);
  const silenceMs = options.silenceMs ?? SILENCE_MS;
  const underWay = new Set<Hex>();
  const vouchers = createVoucherSender({ ledger, sign: channels.signVoucher, log }, options);
  const reconciler = createReconciler({ ...modules, ledger, vouchers, peers, underWay });
  const purchases = createPurchases(
    { ...modules, ledger, channels, peers, vouchers, underWay, onBroken: reconciler.run },
    { silenceMs },
  );
  const decisions = new Map<Hex, Decision>();
  let exitTimer: NodeJS.Timeout | undefined;

  function finishExits(): void {
    channels.exits.finish().catch((error: unknown) => log("warn", `exits will be tried again: ${errorMessage(error)}`));
  }

  function choose(ask: Ask, tried: ReadonlyMap<string, string>): { offer: Offer; decision: Decision } {
    const offers = host.offers.offers();
    const pays = ask.pass?.unitsPerMillion;
    const decide = (excluded: (peerId: string) => string | undefined) =>
      route(offers, ask.policy, {
        inFlight: peers.inFlight,
        excluded,
        unaffordable: (offer) =>
          pays === undefined || pays >= offer.prices.inputPerMillion
            ? undefined
            : `asks ${offer.prices.inputPerMillion} units per million tokens of input, the pass pays ${pays}`,
        random: modules.random,
        ...(attestationFault === undefined ? {} : { attestationFault }),
      });
    const strict = decide((peerId) => tried.get(peerId) ?? peers.excluded(peerId));
    // A provider that failed a moment ago is still better than none.
    const decision = strict.chosen === undefined ? decide((peerId) => tried.get(peerId)) : strict;
    if (decision.chosen !== undefined) {
      return { offer: decision.chosen, decision };
    }
    throw noProvider(ask.policy.model, offers, decision);
  }

  /** As `choose`; with nobody left to ask, a payment that stays refused or short is the reason to tell. */
  function chooseAfter(ask: Ask, tried: ReadonlyMap<string, string>, unpaid: DepinferError | null) {
    try {
      return choose(ask, tried);
    } catch (error) {
      throw unpaid ?? error;
    }
  }

  return {
    async start() {
      await ledger.recover();
      await channels.refresh();
      reconciler.start();
      finishExits();
      exitTimer = setInterval(finishExits, EXITS_MS);
    },
    async stop() {
      clearInterval(exitTimer);
      reconciler.stop();
      peers.stop();
      await vouchers.flush().catch((error: unknown) => log("warn", `vouchers were not sent: ${errorMessage(error)}`));
    },
    async ask(ask, handlers, signal) {
      const tried = new Map<string, string>();
      const repaired = new Set<string>();
      const limit = options.attempts ?? 3;
      let unpaid: DepinferError | null = null;
      for (let attempts = 1; ; attempts++) {
        const { offer, decision } = chooseAfter(ask, tried, unpaid);
        // Patience grows with each attempt, in case it is this machine that is slow, and with nobody else to ask it is
        // long: an overloaded provider is better than none.
        const alone = !host.offers
          .offers()
          .some(
            (other) => serves(other, ask.policy.model) && other.peerId !== offer.peerId && !tried.has(other.peerId),
          );
        const acceptMs = alone ? silenceMs : (options.acceptMs ?? ACCEPT_MS) * 2 ** tried.size;
        const purchase = await purchases.buy(ask, offer, handlers, acceptMs, signal);
        decisions.set(purchase.requestId, decision);
        forgetOldest(decisions, KEPT_DECISIONS);
        if (purchase.error === null) {
          return purchase.answer;
        }
        const { error } = purchase;
        // A refusal about payment was looked into; the same provider may serve now.
        const aboutPayment = error.code.startsWith("payment.");
        if (aboutPayment && !repaired.has(offer.peerId)) {
          repaired.add(offer.peerId);
        } else {
          tried.set(offer.peerId, `failed for this request: ${error.message}`);
        }
        const final = aboutPayment ? notSettled(offer, error) : error;
        // The rest of a pass may lie in its channels with others.
        const elsewhere = error.code === "pass.insufficient";
        if (purchase.textDelivered || !(error.retryable || elsewhere) || attempts >= limit || signal?.aborted) {
          throw final;
        }
        unpaid = aboutPayment || elsewhere ? final : null;
        log("warn", `provider ${offer.provider} failed, asking another: ${errorMessage(error)}`, { code: error.code });
      }
    },
    offers: () => host.offers.offers(),
    request: (id) => ledger.request(id),
    requests: (limit) => ledger.requests(limit),
    transcript(id) {
      const stored = ledger.request(id);
      return stored === undefined || stored.providerNonce === null
        ? undefined
        : {
            request: Buffer.from(stored.request).toString("base64"),
            providerNonce: stored.providerNonce,
            outputTokens: [...stored.tokens],
            text: stored.text,
          };
    },
    decision: (id) => decisions.get(id),
    spent(account) {
      const { spent, reserved } = ledger.account(account);
      return microUsd(spent + reserved);
    },
    account: ledger.account,
    statement: ledger.statement,
    channels: ledger.channels,
    async withdraw(channelId) {
      // What is owed is paid first; the provider claims it when it sees the exit.
      await vouchers.flush();
      return channels.exits.begin(channelId);
    },
    finishWithdrawals: channels.exits.finish,
    money() {
      const open = ledger.channels();
      return {
        deposited: open.reduce((sum, { deposit }) => sum + deposit, 0n),
        owed: open.reduce((sum, { owed }) => sum + owed, 0n),
        channels: open.length,
      };
    },
  };
}

function forgetOldest(decisions: Map<Hex, Decision>, keep: number): void {
  for (const id of decisions.keys()) {
    if (decisions.size <= keep) {
      return;
    }
    decisions.delete(id);
  }
}

function noProvider(model: string, offers: readonly Offer[], decision: Decision): DepinferError {
  const models = [...new Set(offers.map((offer) => offer.model))];
  if (models.length === 0) {
    return new DepinferError({
      code: "route.noProvider",
      message: "No provider is online yet",
      remedy: "Try again in a moment; `depinfer providers` shows who is there",
      metadata: { model },
      retryable: true,
    });
  }
  if (!offers.some((offer) => serves(offer, model))) {
    return new DepinferError({
      code: "route.unknownModel",
      message: `No provider serves the model ${JSON.stringify(model)}`,
      remedy: `Ask for one of: ${models.join(", ")}`,
      metadata: { model, param: "model" },
    });
  }
  const reasons = decision.rejected.filter(({ reason }) => !reason.startsWith("serves "));
  return new DepinferError({
    code: "route.noProvider",
    message: `No provider of ${JSON.stringify(model)} can take the request: ${reasons.map(({ provider, reason }) => `${provider} ${reason}`).join("; ")}`,
    remedy: "Try again in a moment, or loosen the request's policy",
    metadata: { model },
    retryable: true,
  });
}
