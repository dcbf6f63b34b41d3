import type { Chain, Signer } from "@depinfer/chain";
import type { Journal } from "@depinfer/journal";
import type { Host } from "@depinfer/network";
import {
  type Accept,
  errorMessage,
  type Hex,
  type Log,
  type MicroUsd,
  microUsd,
  type Offer,
  type PositionLogprobs,
  type Transcript,
  type Usage,
} from "@depinfer/protocol";
import { createAnswering, type FinishedAttempt } from "./answering.ts";
import type { Ask } from "./ask.ts";
import { type AccountTotals, createBuyerLedger, type RequestsOf } from "./buyer-ledger.ts";
import type { BuyerChannel, StoredRequest } from "./buyer-rows.ts";
import { type BuyerChannels, type ChannelOptions, createBuyerChannels } from "./channels.ts";
import type { ExitReport } from "./exits.ts";
import { createHealth, type PeerHealth } from "./health.ts";
import { createPeers } from "./peers.ts";
import { createPurchases } from "./purchase.ts";
import { createReconciler } from "./reconcile.ts";
import type { StatementQuery, StatementRow } from "./statement.ts";
import { createStoryBook, type Story } from "./story.ts";
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
  /** Told of every provider that was asked, once it is done. */
  readonly onAttempt?: (attempt: FinishedAttempt) => void;
}

export interface BuyerOptions extends ChannelOptions, VoucherSenderOptions {
  /** Providers that are asked before a request fails. */
  readonly attempts?: number;
  /** Milliseconds that the first provider has to take the request; each further one has twice as long. */
  readonly acceptMs?: number;
  /** Milliseconds without any frame after which a provider that took the request is given up. */
  readonly silenceMs?: number;
  /** Milliseconds that a request waits for a slot when all are at work. */
  readonly queueMs?: number;
}

/** What an answer cost and where it came from. */
export interface Answer {
  /** Of the first part. */
  readonly requestId: Hex;
  /** Requests whose receipts together cover the answer, in order: one, unless a provider broke off. */
  readonly receipts: readonly Hex[];
  /** Who delivered the last part. */
  readonly offer: Offer;
  readonly stopReason: "end" | "length" | "stopSequence" | "cancelled";
  readonly usage: Usage;
  readonly cost: MicroUsd;
}

export interface AnswerHandlers {
  /**
   * A provider took the request. Called once for each provider that was tried; the last one's answer is the one, unless it
   * only continues what another one began.
   */
  readonly onAccept?: (taken: Taken) => void;
  /**
   * Text as it arrives, with the ids of its tokens where the provider tells them, and their log-probabilities where they
   * were asked for. A returned promise holds the provider back.
   */
  readonly onText: (
    text: string,
    tokens?: readonly number[],
    logprobs?: readonly PositionLogprobs[],
  ) => Promise<void> | undefined;
}

export interface Taken {
  readonly requestId: Hex;
  readonly offer: Offer;
  readonly accept: Accept;
  /** True when the provider goes on with an answer of which the app has a part. */
  readonly continues?: boolean;
}

/** Buys answers on the market: finds a provider, pays it, checks what it signs. */
export interface Buyer {
  start(): Promise<void>;
  /** Sends the vouchers that wait, and ends. */
  stop(): Promise<void>;
  /**
   * Answers one request. Providers that fail before the first text are replaced, a bounded number of times. After it the
   * answer is gone on with by another provider of the same runtime class, from the last token that is signed for and bit
   * for bit as the first one would have; where nobody can, that is an error, since half an answer must not look like a
   * whole one.
   *
   * @throws DepinferError `route.noProvider`, `route.unknownModel`, `wallet.insufficient`, `answer.brokeOff`,
   * `provider.diverged`, or what the last provider said.
   */
  ask(ask: Ask, handlers: AnswerHandlers, signal?: AbortSignal): Promise<Answer>;
  /** Models on offer now. */
  offers(): readonly Offer[];
  request(id: Hex): StoredRequest | undefined;
  /** Newest first; of one account only, where it is named. */
  requests(limit: number, of?: RequestsOf): readonly StoredRequest[];
  /** What is needed to score an answer again, for answers that were delivered. */
  transcript(id: Hex): Transcript | undefined;
  /** Why a request went where it went, for the newest 10,000; by its id or how that begins. */
  story(id: string): Story | undefined;
  /** How the providers behave that were asked since the start. */
  health(): readonly PeerHealth[];
  /** Units that an account has used, with what its requests under way may still cost. */
  spent(account: string): MicroUsd;
  account(name: string): AccountTotals;
  /**
   * Takes a request off its account and makes it the gateway's own cost, durably; nothing for one that is not known here. For
   * answers that were lost with a process and are bought again.
   */
  absorb(id: Hex): Promise<void>;
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

const KEPT_STORIES = 10_000;
/** Providers that are asked before a request fails. */
const ATTEMPTS = 3;
/** Longer than most answers of a small model take; a client that hears nothing for longer asks again by itself. */
const QUEUE_MS = 10_000;
/** Nothing is computed before ACCEPT, so a provider that takes longer is gone or overwhelmed. */
const ACCEPT_MS = 1_000;
/** A busy provider may take this long between two pieces of an answer. */
const SILENCE_MS = 30_000;
/** How often exits are looked after. Their notice is minutes at least on every real network. */
const EXITS_MS = 30_000;

export function createBuyer(modules: BuyerModules, options: BuyerOptions): Buyer {
  const { host, log } = modules;
  const ledger = createBuyerLedger(modules.journal);
  const channels: BuyerChannels = createBuyerChannels({ ...modules, ledger }, options);
  const health = createHealth();
  const stories = createStoryBook(KEPT_STORIES);
  const peers = createPeers({ ...modules, health });
  const silenceMs = options.silenceMs ?? SILENCE_MS;
  const underWay = new Set<Hex>();
  const vouchers = createVoucherSender({ ledger, sign: channels.signVoucher, log }, options);
  const reconciler = createReconciler({ ...modules, ledger, vouchers, peers, underWay });
  const purchases = createPurchases(
    { ...modules, ledger, channels, peers, health, vouchers, underWay, onBroken: reconciler.run },
    { silenceMs },
  );
  let exitTimer: NodeJS.Timeout | undefined;

  function finishExits(): void {
    channels.exits.finish().catch((error: unknown) => log("warn", `exits will be tried again: ${errorMessage(error)}`));
  }

  const answering = createAnswering(
    { ...modules, offers: () => host.offers.offers(), purchases, health, stories },
    {
      attempts: options.attempts ?? ATTEMPTS,
      acceptMs: options.acceptMs ?? ACCEPT_MS,
      silenceMs,
      queueMs: options.queueMs ?? QUEUE_MS,
    },
  );

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
    ask: answering,
    offers: () => host.offers.offers(),
    request: (id) => ledger.request(id),
    requests: ledger.requests,
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
    story: stories.find,
    health: health.report,
    spent(account) {
      const { spent, reserved } = ledger.account(account);
      return microUsd(spent + reserved);
    },
    account: ledger.account,
    absorb: ledger.absorb,
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
