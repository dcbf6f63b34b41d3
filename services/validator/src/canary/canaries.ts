import { setTimeout } from "node:timers/promises";
import type { Buyer, StoredRequest } from "@depinfer/client";
import { type ScoringEngine, verifyReceipt } from "@depinfer/inference";
import type { Journal } from "@depinfer/journal";
import type { Calibration, Verdict } from "@depinfer/proof";
import {
  type DomainBinding,
  errorCode,
  errorMessage,
  formatUsd,
  type Hex,
  type Log,
  parseBody,
  receiptToJson,
} from "@depinfer/protocol";
import { createCanaryLedger } from "./canary-ledger.ts";
import { learnMix, type SeenRequest } from "./mix.ts";
import { createPlanner, type PlannedRequest, type Planner } from "./plan.ts";

/** A buyer with keys, a node and a wallet of its own, that nothing ties to the validator but where its money came from. */
export interface CanaryIdentity {
  readonly buyer: Buyer;
  close(): Promise<void>;
}

export interface CanaryModules {
  readonly engine: ScoringEngine;
  readonly calibration: Calibration;
  readonly recoverAddress: (digest: Uint8Array, signature: Hex) => Hex;
  /** Opened with `VALIDATOR_MIGRATIONS`. */
  readonly journal: Journal;
  /** Makes identity `number` and gives it `funds` units. The same number is always the same identity. */
  readonly openIdentity: (number: number, funds: bigint) => Promise<CanaryIdentity>;
  /** Requests of strangers, as far as anybody can know them. */
  readonly observe: (signal: AbortSignal) => Promise<readonly SeenRequest[]>;
  /** The key that a provider registered. */
  readonly receiptKeyOf: (provider: Hex) => Promise<Hex | undefined>;
  readonly log: Log;
  /** Uniform in [0, 1), and not to be predicted by providers. */
  readonly random: () => number;
  /** Told of every failure that a canary brought to light: what `/v1/receipts/ID` would say of it. */
  readonly onFailure?: (receiptFile: string) => void;
}

export interface CanaryOptions {
  /** Canaries in an hour, on average over a day. */
  readonly perHour: number;
  /** Units that all identities ever may spend together. */
  readonly budget: bigint;
  /** Units that one identity is given; what it does not spend stays in its channels. */
  readonly fundsEach: bigint;
  /** Chain and ReceiptLog for which receipts are signed. */
  readonly binding: DomainBinding;
}

/** Buys like a buyer and audits its own answers, those among them that nobody may see. */
export interface Canaries {
  start(): void;
  stop(): Promise<void>;
  /** Judged canaries by verdict, and receipt files of the failures. */
  state(): { readonly verdicts: Readonly<Record<string, number>>; readonly failures: readonly string[] };
}

/** Buyers change slowly, and looking at them is work for providers. */
const RELEARN_MS = 6 * 3_600_000;
/** Identities at a time: each is a node of its own. Their sessions may last as long as those of buyers. */
const MOST_IDENTITIES = 8;
const RETRY_MS = 60_000;

export function createCanaries(modules: CanaryModules, options: CanaryOptions): Canaries {
  const { engine, journal, log, random } = modules;
  const { perHour, budget, fundsEach } = options;
  const ledger = createCanaryLedger(journal);
  const { model } = engine.description;
  const stopping = new AbortController();
  const { signal } = stopping;
  const sessions = new Set<Promise<void>>();
  let working: Promise<void> = Promise.resolve();

  async function work(): Promise<void> {
    let learnt: { readonly planner: Planner; readonly at: number } | null = null;
    while (!signal.aborted) {
      if (ledger.committed() + fundsEach > budget) {
        log("info", `the canaries' budget of ${formatUsd(budget)} is used up`);
        return;
      }
      if (learnt === null || Date.now() - learnt.at > RELEARN_MS) {
        const mix = learnMix(await modules.observe(signal), model);
        learnt = { planner: createPlanner(mix, { random, isFresh: ledger.isFresh }), at: Date.now() };
      }
      const { planner } = learnt;
      await pause(planner.untilNext(Date.now(), perHour));
      if (!signal.aborted && sessions.size < MOST_IDENTITIES) {
        const number = await ledger.nextIdentity(fundsEach);
        const session = run(number, planner.session()).finally(() => sessions.delete(session));
        sessions.add(session);
      }
    }
  }

  async function run(number: number, requests: readonly PlannedRequest[]): Promise<void> {
    try {
      const identity = await modules.openIdentity(number, fundsEach);
      try {
        for (const request of requests) {
          await pause(request.afterMs);
          if (signal.aborted) {
            return;
          }
          await ask(identity.buyer, request);
        }
      } finally {
        await identity.close();
      }
    } catch (error) {
      log("warn", `canary ${number} ended early: ${errorMessage(error)}`, { code: errorCode(error) });
    }
  }

  /** Asks as the gateway does, and judges the answer. A canary that gets none says nothing about its provider. */
  async function ask(buyer: Buyer, { endpoint, body, audit }: PlannedRequest): Promise<void> {
    const { generation, minProofLevel, features } = parseBody(endpoint, body);
    const { maxTokens, temperature } = generation;
    const policy = { model, temperature, features, ...(minProofLevel === null ? {} : { minProofLevel }) };
    try {
      const handlers = { onText: () => undefined };
      const { requestId } = await buyer.ask(
        { endpoint, body, maxTokens, policy, audit, account: "canary" },
        handlers,
        signal,
      );
      await judge(buyer, requestId);
    } catch (error) {
      if (!signal.aborted) {
        log("info", `a canary was not answered or cannot be judged: ${errorMessage(error)}`, {
          code: errorCode(error),
        });
      }
    }
  }

  async function judge(buyer: Buyer, requestId: Hex): Promise<void> {
    const stored = buyer.request(requestId);
    const transcript = buyer.transcript(requestId);
    if (stored === undefined || stored.signed === null || transcript === undefined) {
      return;
    }
    const { provider, signed } = stored;
    const { recoverAddress, calibration } = modules;
    const receiptKey = (await modules.receiptKeyOf(provider)) ?? "0x";
    const verdict = await verifyReceipt(
      { engine, recoverAddress },
      { signed, transcript, binding: options.binding, receiptKey, calibration },
    );
    const file = receiptFile(stored, transcript);
    await ledger.save({ requestId, provider, file, ...outcome(verdict) });
    if (verdict.verdict === "fail") {
      log("warn", `a canary failed: ${provider}, receipt ${verdict.receiptId}: ${verdict.reason}`, { provider });
      modules.onFailure?.(file);
    }
  }

  async function pause(ms: number): Promise<void> {
    // Timers hold no more than 2^31 - 1 ms, and buyers may rest for longer.
    for (let left = ms; left > 0 && !signal.aborted; left -= LONGEST_TIMER_MS) {
      await setTimeout(Math.min(left, LONGEST_TIMER_MS), undefined, { signal }).catch(() => undefined);
    }
  }

  async function keepWorking(): Promise<void> {
    while (!signal.aborted && ledger.committed() + fundsEach <= budget) {
      await work().catch((error: unknown) =>
        log("warn", `canaries pause: ${errorMessage(error)}`, { code: errorCode(error) }),
      );
      await pause(RETRY_MS);
    }
  }

  return {
    start() {
      working = keepWorking();
    },
    async stop() {
      stopping.abort();
      await working;
      await Promise.allSettled(sessions);
    },
    state: () => ({ verdicts: ledger.counts(), failures: ledger.failures() }),
  };
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;

function outcome({ verdict, reason }: Verdict): Pick<Verdict, "verdict" | "reason"> {
  return { verdict, reason };
}

/** As the gateway answers at `/v1/receipts/ID`, so that whatever takes a buyer's receipt takes a canary's. */
function receiptFile(stored: StoredRequest, transcript: NonNullable<ReturnType<Buyer["transcript"]>>): string {
  const { id, state, fault, model, provider, cost, signed } = stored;
  const receipt = signed === null ? null : receiptToJson(signed);
  return JSON.stringify({ id, state, fault, model, provider, cost: cost.toString(), receipt, transcript });
}
