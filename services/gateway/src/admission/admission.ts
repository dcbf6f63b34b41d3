import { DepinferError, formatUsd, type MicroUsd, microUsd } from "@depinfer/protocol";
import type { ApiKey } from "../keys.ts";
import type { AccountState, AccountStates } from "../limits/account-state.ts";
import { duration, limited } from "../limits/limit-error.ts";
import { type Bucket, filled, givenBack, taken, waitFor } from "../limits/token-bucket.ts";

/** A request that was let in. */
export interface Permit {
  /** What is left of the key's rates, in the headers that OpenAI's clients read. */
  readonly headers: Readonly<Record<string, string>>;
  /** Most that this gateway's journal may show as used by the account while the request is bought; null without a budget. */
  readonly budget: MicroUsd | null;
  /** Ends the request, once. `usedTokens` corrects what it was taken for. */
  leave(usedTokens?: number): Promise<void>;
}

/** What a request may take. */
export interface Wanted {
  /** Tokens that it is taken for, prompt and output. */
  readonly tokens: number;
  /** Most units that it may cost; null for one that buys nothing. */
  readonly units: bigint | null;
}

/** Lets requests of keys in, within their rates and budgets, over all gateways that share them. */
export interface Admission {
  /** @throws DepinferError `limit.requests`, `limit.tokens`, `limit.concurrent` or `budget.exhausted`; nothing is counted then. */
  enter(key: ApiKey, wanted: Wanted): Promise<Permit>;
}

/** Journals of this process in which an account may have spent something. */
export interface OwnSeats {
  /** Names this process. */
  readonly holder: string;
  /** The seat that buys. */
  readonly seat: string;
  /** Units that an account has used in each of this process's seats, with what its requests under way may still cost. */
  used(account: string): ReadonlyMap<string, bigint>;
  /** Whether nobody else buys for these accounts, so that the journal alone holds them to their budgets. */
  readonly alone: boolean;
  /** Processes whose requests count as at work. */
  alive(): ReadonlySet<string>;
}

export interface AdmissionModules {
  readonly states: AccountStates;
  readonly seats: OwnSeats;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

export function createAdmission({ states, seats, now = Date.now }: AdmissionModules): Admission {
  /** Units that requests of an account may cost that were let in here and are not in the journal yet, or have not ended. */
  const held = new Map<string, bigint>();

  function hold(account: string, units: bigint): void {
    const sum = (held.get(account) ?? 0n) + units;
    if (sum === 0n) {
      held.delete(account);
    } else {
      held.set(account, sum);
    }
  }

  function enterOne(state: AccountState, key: ApiKey, wanted: Wanted) {
    const { limits, name } = key;
    const at = now();
    const requests = take(state.requests, limits.requestsPerMinute, 1, at, "requests", name);
    const tokens = take(state.tokens, limits.tokensPerMinute, wanted.tokens, at, "tokens", name);
    const alive = seats.alive();
    const working = Object.fromEntries(Object.entries(state.working).filter(([holder]) => alive.has(holder)));
    const atWork = Object.values(working).reduce((sum, count) => sum + count, 0);
    if (limits.concurrent !== null && atWork >= limits.concurrent) {
      throw limited(name, "concurrent", limits.concurrent, 1_000);
    }
    const money = setAside(state, key, wanted);
    return {
      state: {
        ...(requests === null ? {} : { requests }),
        ...(tokens === null ? {} : { tokens }),
        working: { ...working, [seats.holder]: (working[seats.holder] ?? 0) + 1 },
        promised: money.promised,
      },
      result: { ...money, headers: rateHeaders(key, requests, tokens) },
    };
  }

  /**
   * Each seat's part of a budget is what its journal shows and what was let in beside it. The others' parts are as they
   * said; a seat never uses more than it has said, since the purchase is bounded by it in the journal's own transaction.
   */
  function setAside(state: AccountState, { name, budget }: ApiKey, { units }: Wanted) {
    if (budget === null || units === null) {
      return { promised: state.promised, budget, units: 0n };
    }
    const own = seats.used(name);
    if (seats.alone) {
      if ((own.get(seats.seat) ?? 0n) >= budget) {
        throw exhausted(name, budget);
      }
      return { promised: state.promised, budget, units: 0n };
    }
    const others = Object.entries(state.promised)
      .filter(([seat]) => !own.has(seat) && seat !== seats.seat)
      .reduce((sum, [, promised]) => sum + BigInt(promised), 0n);
    const adopted = [...own].filter(([seat]) => seat !== seats.seat).reduce((sum, [, used]) => sum + used, 0n);
    const mine = (own.get(seats.seat) ?? 0n) + (held.get(name) ?? 0n);
    const left = budget - others - adopted - mine;
    if (left <= 0n) {
      throw exhausted(name, budget);
    }
    const more = units < left ? units : left;
    const promise = mine + more;
    return {
      promised: {
        ...state.promised,
        ...Object.fromEntries([...own].map(([seat, used]) => [seat, used.toString()])),
        [seats.seat]: promise.toString(),
      },
      budget: microUsd(promise),
      units: more,
    };
  }

  return {
    async enter(key, wanted) {
      const { name, limits, budget } = key;
      const { requestsPerMinute, tokensPerMinute, concurrent } = limits;
      const counted = [requestsPerMinute, tokensPerMinute, concurrent].some((limit) => limit !== null);
      if (!counted && (budget === null || wanted.units === null)) {
        return { headers: {}, budget, leave: async () => undefined };
      }
      // Held before the database says so, so that requests let in meanwhile see it; taken back when it refuses.
      const entered = await states.change(name, (state) => {
        const changed = enterOne(state, key, wanted);
        hold(name, changed.result.units);
        return changed;
      });
      let inside = true;
      return {
        headers: entered.headers,
        budget: entered.budget,
        async leave(usedTokens) {
          if (!inside) {
            return;
          }
          inside = false;
          hold(name, -entered.units);
          const used = usedTokens ?? wanted.tokens;
          await states.change(name, (state) => ({ state: left(state, limits.tokensPerMinute, used), result: null }));

          function left(state: AccountState, perMinute: number | null, tokensUsed: number): AccountState {
            const working = Math.max(0, (state.working[seats.holder] ?? 0) - 1);
            const tokens =
              perMinute === null || state.tokens === undefined
                ? {}
                : { tokens: givenBack(state.tokens, perMinute, Math.min(wanted.tokens, perMinute) - tokensUsed) };
            const own = seats.used(name);
            const mine = (own.get(seats.seat) ?? 0n) + (held.get(name) ?? 0n);
            return {
              ...state,
              ...tokens,
              working: { ...state.working, [seats.holder]: working },
              ...(budget === null || seats.alone
                ? {}
                : { promised: { ...state.promised, [seats.seat]: mine.toString() } }),
            };
          }
        },
      };
    },
  };
}

function take(
  bucket: Bucket | undefined,
  perMinute: number | null,
  amount: number,
  now: number,
  of: "requests" | "tokens",
  account: string,
): Bucket | null {
  if (perMinute === null) {
    return null;
  }
  // More than a minute's worth takes a whole minute.
  const wanted = Math.min(amount, perMinute);
  const level = filled(bucket, perMinute, now);
  const wait = waitFor(level, perMinute, wanted);
  if (wait > 0) {
    throw limited(account, of, perMinute, wait, {
      [`x-ratelimit-limit-${of}`]: String(perMinute),
      [`x-ratelimit-remaining-${of}`]: String(Math.max(0, Math.floor(level.level))),
      [`x-ratelimit-reset-${of}`]: duration(waitFor(level, perMinute, perMinute)),
    });
  }
  return taken(level, wanted);
}

function rateHeaders({ limits }: ApiKey, requests: Bucket | null, tokens: Bucket | null): Record<string, string> {
  const of = (name: string, perMinute: number | null, bucket: Bucket | null) =>
    perMinute === null || bucket === null
      ? {}
      : {
          [`x-ratelimit-limit-${name}`]: String(perMinute),
          [`x-ratelimit-remaining-${name}`]: String(Math.max(0, Math.floor(bucket.level))),
          [`x-ratelimit-reset-${name}`]: duration(waitFor(bucket, perMinute, perMinute)),
        };
  return { ...of("requests", limits.requestsPerMinute, requests), ...of("tokens", limits.tokensPerMinute, tokens) };
}

function exhausted(account: string, budget: MicroUsd): DepinferError {
  return new DepinferError({
    code: "budget.exhausted",
    message: `The key of ${account} has used its budget of ${formatUsd(budget)}`,
    remedy: "Raise the key's budget or use another key",
    metadata: { account, budget: budget.toString() },
  });
}
