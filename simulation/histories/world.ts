import type { Hex } from "@depinfer/protocol";
import { DepinferError } from "@depinfer/protocol";
import { copyEscrow, type EscrowState, emptyEscrow } from "./escrow-model.ts";

/*
 * Where a history takes place: a clock, a chain of blocks that may be undone, and every point at which a process waits for
 * something outside of itself. A seed decides in which order those points are passed.
 */

/** A process from its start to its end. What waits when it ends waits for ever, as in a process that was killed. */
export interface Life {
  readonly name: "buyer" | "provider";
  alive: boolean;
  /** Points that it still passes before it is killed; negative for no end. */
  left: number;
  /** Loses power instead: what the disk had not confirmed is gone. */
  powerLoss: boolean;
}

interface Gate {
  readonly life: Life;
  readonly pass: () => void;
}

export interface World {
  now(): number;
  advance(ms: number): void;
  readonly random: () => number;
  /**
   * Does `effect` when the schedule comes to it, then resolves. The process may be killed just before it, and just after it
   * but before it learns the outcome.
   */
  gate<T>(life: Life, effect: () => T | Promise<T>): Promise<T>;
  /** Passes one waiting point; false when nothing waits. */
  step(): boolean;
  waiting(): number;
  /** What to do when a process is killed. */
  onKill: (life: Life) => void;
  readonly chain: BlockChain;
}

export interface BlockChain {
  state(): EscrowState;
  /** Runs a transaction in a block of its own. Whatever it throws, nothing changed. */
  mine<T>(call: (state: EscrowState) => T): T;
  /** Undoes the newest `blocks` blocks; false when there are not so many. */
  reorganise(blocks: number): boolean;
  away: boolean;
  /** The next transaction is mined, and its sender does not hear of it. */
  loseNextAnswer: boolean;
  /** Events happened that watchers have not seen. */
  readonly changes: number;
  /** Unix second of the newest block. */
  readonly time: number;
}

const MOST_UNDONE = 8;

/** Numbers in [0, 1) that follow from a seed. */
export function randomOf(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  return () => {
    // xorshift32 by Marsaglia; good enough to choose among a few points.
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}

const START_MS = 1_800_000_000_000;

export function createWorld(seed: number): World {
  const random = randomOf(seed + 1);
  const gates: Gate[] = [];
  let clock = START_MS;
  let state = emptyEscrow();
  let before: EscrowState[] = [];
  let changes = 0;

  const chain: BlockChain = {
    state: () => state,
    mine(call) {
      const kept = copyEscrow(state);
      try {
        const result = call(state);
        before = [...before, kept].slice(-MOST_UNDONE);
        changes += 1;
        return result;
      } catch (error) {
        state = kept;
        throw error;
      }
    },
    reorganise(blocks) {
      const old = before.at(-blocks);
      if (old === undefined) {
        return false;
      }
      before = before.slice(0, -blocks);
      state = copyEscrow(old);
      changes += 1;
      return true;
    },
    away: false,
    loseNextAnswer: false,
    get changes() {
      return changes;
    },
    get time() {
      return Math.floor(clock / 1_000);
    },
  };

  const world: World = {
    now: () => clock,
    advance(ms) {
      clock += ms;
    },
    random,
    chain,
    onKill: () => undefined,
    waiting: () => gates.length,
    gate: (life, effect) =>
      new Promise((resolve, reject) => {
        gates.push({
          life,
          pass() {
            if (!survives(life)) {
              return;
            }
            let outcome: ReturnType<typeof effect>;
            try {
              outcome = effect();
            } catch (error) {
              if (survives(life)) {
                reject(error);
              }
              return;
            }
            if (survives(life)) {
              resolve(outcome);
            }
          },
        });
      }),
    step() {
      const index = Math.floor(random() * gates.length);
      const [gate] = gates.splice(index, 1);
      gate?.pass();
      return gate !== undefined;
    },
  };

  /** Counts a point; the process ends at the one that was chosen for it. */
  function survives(life: Life): boolean {
    if (!life.alive) {
      return false;
    }
    life.left -= 1;
    if (life.left === 0) {
      world.onKill(life);
      return false;
    }
    return true;
  }

  return world;
}

export function unreachable(): DepinferError {
  return new DepinferError({
    code: "chain.unreachable",
    message: "No answer from the chain of this history",
    remedy: "Wait for the history to bring it back",
    retryable: true,
  });
}

export function accountOf(byte: number): Hex {
  return `0x${byte.toString(16).padStart(2, "0").repeat(20)}`;
}
