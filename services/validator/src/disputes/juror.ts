import { setTimeout } from "node:timers/promises";
import { ChainRevertError, type DisputeState, type EventBatch } from "@depinfer/chain";
import type { Journal } from "@depinfer/journal";
import { errorCode, errorMessage, type Hex, type RandomBytes, toHex } from "@depinfer/protocol";
import { createBallots } from "./ballots.ts";
import { type JudgeModules, type Judgement, judgeDispute, NO_JUDGEMENT, type Opening } from "./judge.ts";

export interface JurorModules extends JudgeModules {
  /** Opened with `VALIDATOR_MIGRATIONS`. */
  readonly journal: Journal;
  readonly randomBytes: RandomBytes;
}

export interface JurorOptions {
  /** The account that votes, a member of the validator set. */
  readonly juror: Hex;
  /** TEST ONLY: votes `pass` without looking, to see such jurors lose stake. */
  readonly lazy?: boolean;
}

/** A validator as a juror: draws, judges, commits, reveals, and closes what anyone may close. */
export interface Juror {
  start(): void;
  stop(): Promise<void>;
  state(): { readonly open: number; readonly votes: number; readonly lazy: boolean };
}

const POLL_MS = 1_000;
/** Share of the time for commitments after which nobody waits for evidence any longer. */
const PATIENCE = 0.7;
/** As many tokens as a careful juror might name. */
const RUBBER_STAMP: Judgement = { verdict: "pass", tokens: 64, mismatches: 0, marginMicros: 0n };

/**
 * Everything is decided from the chain's state and the journal, never from memory, so that it can be stopped at any
 * point and goes on from there.
 */
export function createJuror(modules: JurorModules, { juror, lazy = false }: JurorOptions): Juror {
  const { chain, journal, log, randomBytes } = modules;
  const { disputes } = chain;
  const ballots = createBallots(journal);
  const openings = new Map<Hex, Opening>();
  const stopping = new AbortController();
  let working: Promise<void> = Promise.resolve();
  let commitSeconds = 0;

  function take({ events }: EventBatch): void {
    for (const event of events) {
      if (event.contract === "disputes") {
        if (event.eventName === "DisputeOpened" || event.eventName === "RecordDisputeOpened") {
          openings.set(event.args.id, event);
        } else if (event.eventName === "Finalised") {
          openings.delete(event.args.id);
        }
      }
    }
  }

  async function work(): Promise<void> {
    while (!stopping.signal.aborted) {
      for (const [id, opening] of openings) {
        if (!stopping.signal.aborted) {
          await attend(id, opening).catch((error: unknown) => {
            log("warn", `dispute ${id} cannot be attended to, will be tried again: ${errorMessage(error)}`, {
              code: errorCode(error),
            });
          });
        }
      }
      await setTimeout(POLL_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  async function attend(id: Hex, opening: Opening): Promise<void> {
    const state = await disputes.state(id);
    switch (state?.phase) {
      case "drawing":
        if ((await chain.blockNumber()) > state.targetBlock) {
          await unlessDone(disputes.drawJury(id));
        }
        return;
      case "voting":
        return vote(state, opening);
      case "tallied":
        // A salt's owner has some time alone; until then the contract refuses.
        if ((await chain.blockTime()) >= state.finalAt) {
          await unlessDone(disputes.finalise(id));
        }
        return;
      case "closed":
        openings.delete(id);
        return;
      case undefined:
        // A reorganisation took it away; its event comes again with it.
        return;
    }
  }

  async function vote(state: DisputeState, opening: Opening): Promise<void> {
    const { id, round } = state;
    const jurors = await disputes.jury(id, round);
    const now = await chain.blockTime();
    if (jurors.includes(juror)) {
      const own = await disputes.vote(id, round, juror);
      if (!own.committed && now < state.commitDeadline) {
        return commit(state, opening, now);
      }
      const ballot = ballots.of(id, round);
      if (own.committed && own.verdict === undefined && ballot !== undefined) {
        if (now >= state.commitDeadline && now < state.revealDeadline) {
          await disputes.reveal(id, ballot);
          log("info", `revealed ${ballot.verdict} in dispute ${id}`, { tokens: ballot.tokens });
        }
      }
    }
    if (state.reveals === jurors.length || now >= state.revealDeadline) {
      await unlessDone(disputes.resolve(id));
    }
  }

  async function commit(state: DisputeState, opening: Opening, now: number): Promise<void> {
    const { id, round } = state;
    let ballot = ballots.of(id, round);
    if (ballot === undefined) {
      const judgement = lazy ? RUBBER_STAMP : await judgeDispute(modules, opening);
      if (judgement === null && state.commitDeadline - now > (1 - PATIENCE) * commitSeconds) {
        return;
      }
      ballot = { ...(judgement ?? NO_JUDGEMENT), salt: toHex(randomBytes(32)) };
      await ballots.save(id, round, ballot);
    }
    await disputes.commit(id, round, ballot);
    log("info", `committed to a verdict in dispute ${id}`, { round });
  }

  return {
    start() {
      if (lazy) {
        log("warn", "TEST JUROR: it votes pass without looking");
      }
      const onError = (error: unknown) =>
        log("warn", `disputes cannot be read, will be tried again: ${errorMessage(error)}`);
      const fromBlock = BigInt(chain.deployment.block);
      chain
        .follow({ fromBlock, onLogs: take, onError, signal: stopping.signal, contracts: ["disputes"] })
        .catch(onError);
      working = disputes
        .commitSeconds()
        .then((seconds) => {
          commitSeconds = seconds;
        })
        .catch(onError)
        .then(work);
    },
    async stop() {
      stopping.abort();
      await working;
    },
    state: () => ({ open: openings.size, votes: ballots.all().length, lazy }),
  };
}

/** Jurors all try to do what anyone may do; the contract takes the first, and refuses the others. */
async function unlessDone(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!(error instanceof ChainRevertError)) {
      throw error;
    }
  }
}
