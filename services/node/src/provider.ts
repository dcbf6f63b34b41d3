import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { AUDIT_CONTRACTS, auditEvents, type Chain, type EventBatch, type Signer } from "@depinfer/chain";
import type { Engine } from "@depinfer/inference";
import type { Journal } from "@depinfer/journal";
import type { Exchange, Host, Link, Unsubscribe } from "@depinfer/network";
import { type AuditRules, createAuditRecord } from "@depinfer/proof";
import {
  DepinferError,
  errorCode,
  errorMessage,
  FrameType,
  type Hex,
  type Log,
  type MicroUsd,
  type Ownership,
  type Prices,
  type RecordSpan,
} from "@depinfer/protocol";
import { answer } from "./answer.ts";
import { createClosingClaims } from "./closing-claims.ts";
import { type Settlement, settle } from "./epochs.ts";
import { createLedger, type LedgerChannel } from "./ledger.ts";
import type { NonceBook } from "./nonces.ts";
import { keepOffering, type Offering } from "./offers.ts";
import { createPayments } from "./payments.ts";
import { createPostedPrices } from "./posted-prices.ts";
import { answerQuery } from "./queries.ts";
import { createVoucherInbox } from "./voucher-inbox.ts";

export interface NodeModules {
  /** Started by the caller with `nonceHeadFor: nonces.headFor`. */
  readonly host: Host;
  readonly chain: Chain;
  readonly engine: Engine;
  /** Opened with `PROVIDER_MIGRATIONS` as one of its parts. */
  readonly journal: Journal;
  readonly nonces: NonceBook;
  readonly receiptSigner: Signer;
  readonly recoverAddress: (digest: Uint8Array, signature: Hex) => Hex;
  readonly log: Log;
  /** Takes spans for traces. */
  readonly record?: RecordSpan;
}

export interface NodeOptions {
  /** Account that is paid and bonded; `chain` sends its transactions. */
  readonly provider: Hex;
  readonly prices: Prices;
  readonly region: string;
  /** The owner's word that this provider is theirs. */
  readonly ownership?: Ownership;
  /** Milliseconds between settlements; 0 settles on command only. */
  readonly epochMs: number;
  readonly creditWindow: MicroUsd;
  readonly depositMargin: MicroUsd;
  /** Least flat price per million tokens at which holders of passes are served; the input price by default. */
  readonly passFloor?: MicroUsd;
  /** How the network audits; decides who is shown which transcript. */
  readonly audits?: AuditRules;
  readonly adversary?: string;
}

/** What a provider is doing, for status pages. */
export interface NodeState {
  readonly provider: Hex;
  readonly peerId: string;
  readonly model: string;
  readonly classId: Hex;
  readonly slots: number;
  readonly inFlight: number;
  readonly receipts: number;
  readonly tokens: number;
  readonly owed: bigint;
  readonly vouchered: bigint;
  readonly settled: bigint;
  readonly adversary: string | null;
}

/** A running provider. */
export interface ProviderNode {
  /** @throws DepinferError `chain.unreachable`. */
  start(): Promise<void>;
  /** Stops taking requests; those under way are finished by their own ends. */
  stop(): Promise<void>;
  /** Posts the epoch's root and claims what is vouchered, now. */
  settle(): Promise<Settlement>;
  /** Offers the engine at other prices from now on; who read the offer before is served at its prices for a while. */
  post(prices: Prices): void;
  state(): NodeState;
  /** Every channel that pays this provider, as its journal knows it. */
  channels(): readonly LedgerChannel[];
}

/** Time that a buyer has to send the voucher for its last answers before they are settled without it, in ms. */
const VOUCHER_WAIT_MS = 1_000;
const VOUCHER_POLL_MS = 10;

/** Serves one engine to the network and is paid for it. */
export function createNode(modules: NodeModules, options: NodeOptions): ProviderNode {
  const { host, chain, engine, journal, log } = modules;
  const { provider } = options;
  const prices = createPostedPrices(options.prices);
  const receiptBinding = { chainId: chain.deployment.chainId, verifyingContract: chain.receipts.address };
  const ledger = createLedger(journal);
  const closing = createClosingClaims({ chain, ledger, log });
  const payments = createPayments(
    { chain, ledger, recoverAddress: modules.recoverAddress, onClosing: (id) => closing.claim(id) },
    {
      provider,
      token: chain.deployment.addresses.testUsd,
      binding: { chainId: chain.deployment.chainId, verifyingContract: chain.channels.address },
      creditWindow: options.creditWindow,
      margin: options.depositMargin,
    },
  );
  const vouchers = createVoucherInbox({ payments, log });
  const audits = createAuditRecord(options.audits);
  const stopping: Unsubscribe[] = [];
  const working = new Set<Promise<void>>();
  const underWay = new Set<Hex>();
  let inFlight = 0;
  let lastAnswerAt = 0;
  let settling: Promise<Settlement> | null = null;
  let offering: Offering | null = null;

  async function serve(exchange: Exchange, link: Link): Promise<void> {
    try {
      if (exchange.openingType === FrameType.QUERY) {
        await answerQuery({ ledger, payments, audits, chain, randomBytes }, provider, exchange, link);
        return;
      }
      if (inFlight >= engine.description.slots) {
        throw new DepinferError({
          code: "provider.busy",
          message: `All ${engine.description.slots} slots are at work`,
          remedy: "Ask another provider, or again in a moment",
          retryable: true,
        });
      }
      inFlight += 1;
      try {
        await answer(
          { ...modules, ledger, payments, vouchers, underWay },
          {
            provider,
            posted: prices.lately(),
            passes: chain.passes.address,
            passFloor: options.passFloor ?? options.prices.inputPerMillion,
            binding: receiptBinding,
          },
          exchange,
          link,
        );
      } finally {
        inFlight -= 1;
        lastAnswerAt = Date.now();
      }
    } catch (error) {
      log("warn", `request refused or failed: ${errorMessage(error)}`, { peer: link.peerId, code: errorCode(error) });
      if (!exchange.closed) {
        exchange.fail(error);
      }
    }
  }

  function settleOnce(): Promise<Settlement> {
    settling ??= vouchersDue()
      .then(() => settle({ chain, ledger }, provider, receiptBinding))
      .finally(() => {
        settling = null;
      });
    return settling;
  }

  /** Buyers pay several answers with one voucher: the one for the last answers is on its way. */
  async function vouchersDue(): Promise<void> {
    const until = lastAnswerAt + VOUCHER_WAIT_MS;
    while (Date.now() < until && ledger.openChannels().some(({ owed, vouchered }) => owed > vouchered)) {
      await sleep(VOUCHER_POLL_MS);
    }
  }

  return {
    async start() {
      const fromBlock = await chain.blockNumber();
      host.links().forEach(vouchers.listen);
      stopping.push(
        host.onLink(vouchers.listen),
        host.serve((exchange, link) => {
          const work = serve(exchange, link);
          working.add(work);
          work.then(
            () => working.delete(work),
            () => working.delete(work),
          );
        }),
        watchChannels(fromBlock),
        () => closing.stop(),
        watchAudits(),
        () => offering?.stop(),
      );
      const { receiptSigner } = modules;
      offering = keepOffering(
        host,
        engine,
        () => inFlight,
        { ...options, prices: prices.current, receiptKey: receiptSigner.address },
        log,
      );
      if (options.epochMs > 0) {
        const timer = setInterval(() => {
          settleOnce().catch((error: unknown) =>
            log("warn", `settlement failed, will be tried again: ${errorMessage(error)}`),
          );
        }, options.epochMs);
        stopping.push(() => clearInterval(timer));
      }
    },
    async stop() {
      for (const end of stopping.splice(0).reverse()) {
        end();
      }
      await Promise.allSettled([...working, closing.settled()]);
    },
    settle: settleOnce,
    post(next) {
      if (prices.post(next)) {
        offering?.again();
      }
    },
    channels: () => ledger.channels(),
    state() {
      const channels = ledger.channels();
      const sum = (pick: (channel: (typeof channels)[number]) => bigint) =>
        channels.reduce((total, channel) => total + pick(channel), 0n);
      return {
        provider,
        peerId: host.peerId,
        model: engine.description.model,
        classId: engine.description.classId,
        slots: engine.description.slots,
        inFlight,
        ...ledger.totals(),
        owed: sum(({ owed }) => owed),
        vouchered: sum(({ vouchered }) => vouchered),
        settled: sum(({ settled }) => settled),
        adversary: options.adversary ?? null,
      };
    },
  };

  /** Who may read a transcript follows from the whole record: the provider's passes, the members, the beacons. */
  function watchAudits(): Unsubscribe {
    const stop = new AbortController();
    const onError = (error: unknown) =>
      log("warn", `the record of audits cannot be read, will be tried again: ${errorMessage(error)}`);
    chain
      .follow({
        fromBlock: BigInt(chain.deployment.block),
        signal: stop.signal,
        contracts: AUDIT_CONTRACTS,
        onError,
        onLogs: ({ fromBlock, events }) => audits.take(Number(fromBlock), auditEvents(events)),
      })
      .catch(onError);
    return () => stop.abort();
  }

  /** A top-up or a withdrawal by a buyer counts from the block in which it happened. */
  function watchChannels(fromBlock: bigint): Unsubscribe {
    const stop = new AbortController();
    const { signal } = stop;
    const onError = (error: unknown) =>
      log("warn", `the chain cannot be read, will be tried again: ${errorMessage(error)}`);
    const missed = new Set<Hex>();

    async function onLogs({ events, rewound }: EventBatch): Promise<void> {
      const named = new Set(events.flatMap(({ args }) => ("channelId" in args ? [args.channelId] : [])));
      for (const id of payments.takeReadAhead()) {
        named.add(id);
      }
      for (const { id } of ledger.channels()) {
        if (rewound || named.has(id) || missed.has(id)) {
          // A failure here must not end the following; the channel is read with the next batch.
          await payments.refresh(id).then(
            () => missed.delete(id),
            (error: unknown) => {
              missed.add(id);
              onError(error);
            },
          );
        }
      }
      if (missed.size === 0) {
        payments.confirmed();
      }
    }

    // Whoever began to leave while this provider was away is found now.
    for (const { id } of ledger.openChannels()) {
      missed.add(id);
    }
    chain.follow({ fromBlock, signal, contracts: ["channels"], onError, onLogs }).catch(onError);
    return () => stop.abort();
  }
}
