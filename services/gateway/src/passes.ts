import type { Pass, Passes, PassTier } from "@depinfer/chain";
import { type AskPass, type Buyer, mostPromptTokens } from "@depinfer/client";
import { countColumn, type Journal } from "@depinfer/journal";
import {
  DepinferError,
  type DomainBinding,
  decodeTier,
  type Hex,
  microUsd,
  passUseDigest,
  tierServes,
  type Usage,
} from "@depinfer/protocol";
import type { BoundPass, PassUseTerms } from "@depinfer/protocol/api";
import type { Asked } from "./asked.ts";
import {
  badSignature,
  handedOver,
  notActive,
  notHolder,
  notOurs,
  otherModel,
  quotaSpent,
  rateLimited,
} from "./pass-errors.ts";

/** A request that a pass pays for. The most tokens that it can use are set aside until it ends. */
export interface PassSeat {
  readonly pass: AskPass;
  /** Tokens that the pass has left beside all requests at work, which count with the most that they can use. */
  remaining(): bigint;
  /** Notes the purchase, so that a crash does not forget what it used. */
  bought(requestId: Hex): void;
  /** Ends the request, once: durably counts what the answer used, or without one what the ledger says. */
  leave(usage?: Usage): Promise<void>;
}

/** Counts tokens of passes against their quotas, durably, and requests against their rates. */
export interface PassDesk {
  /**
   * @param holder who has to hold the pass still; nobody in particular when it is null.
   * @throws DepinferError `pass.*` when the pass does not pay for the request; nothing is set aside then.
   */
  enter(passId: bigint, asked: Asked, holder?: Hex | null): Promise<PassSeat>;
  /** Tokens that are left of a pass and of what its requests under way may use. @throws DepinferError `pass.notActive`. */
  remaining(passId: bigint): Promise<bigint>;
  /** What is known of a pass, also of one that does not pay. @throws DepinferError `pass.notActive` for none. */
  view(passId: bigint, holder?: Hex | null): Promise<BoundPass>;
  /**
   * That the holder of a pass lets it pay for the key with this hash, and that it can.
   *
   * @returns the holder.
   * @throws DepinferError `pass.badSignature`, `pass.notHolder`, `pass.notOurs`, `pass.expired` or `pass.notActive`.
   */
  checkHolder(passId: bigint, keyHash: Hex, signature: Hex): Promise<Hex>;
  /** What a pass has to name and its holder to sign for, to pay here. */
  readonly use: Omit<PassUseTerms, "keyHash">;
}

export interface PassDeskModules {
  readonly passes: Pick<Passes, "pass" | "tier">;
  readonly buyer: Pick<Buyer, "request">;
  readonly journal: Journal;
  /** Who has to be named in a pass, for this gateway to fund channels and sign for it. */
  readonly use: { readonly operator: Hex; readonly signer: Hex };
  /** The Passes contract, to which holders' signatures are bound. */
  readonly binding: DomainBinding;
  /** The account that signed a digest. */
  readonly recoverAddress: (digest: Uint8Array, signature: Hex) => Hex;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** What the chain said of a pass. */
interface Known {
  readonly pass: Pass;
  readonly tier: PassTier;
  readonly readAt: number;
}

/** Passes change by their holders' transactions, which take seconds anyway. */
const FRESH_MS = 3_000;
/** A pass that seems not to pay is looked at again, but not for each request of somebody who asks on. */
const LEAST_MS = 500;
/** While the chain is away, what it said last holds for so long. */
const STALE_MS = 300_000;
/** Output limit when the client names none; the buyer's. */
const DEFAULT_MAX_TOKENS = 512;
const MINUTE_MS = 60_000;

export function createPassDesk(modules: PassDeskModules): PassDesk {
  const { passes, buyer, journal, use, binding, now = Date.now } = modules;
  const { db } = journal;
  const sql = {
    use: db.prepare("SELECT used FROM pass_use WHERE pass = ? AND tier = ?"),
    reserved: db.prepare("SELECT coalesce(sum(tokens), 0) AS tokens FROM pass_seats WHERE pass = ? AND tier = ?"),
    seat: db.prepare("INSERT INTO pass_seats (pass, tier, tokens) VALUES (?, ?, ?) RETURNING id"),
    bought: db.prepare("UPDATE pass_seats SET request_id = ? WHERE id = ?"),
    leave: db.prepare("DELETE FROM pass_seats WHERE id = ?"),
    add: db.prepare(
      "INSERT INTO pass_use (pass, tier, used) VALUES (?, ?, ?) ON CONFLICT (pass, tier) DO UPDATE SET used = used + excluded.used",
    ),
    left: db.prepare("SELECT * FROM pass_seats"),
  };
  const known = new Map<bigint, Known>();
  const tiers = new Map<bigint, PassTier>();
  const recent = new Map<bigint, number[]>();

  // What was at work when the process died used what the ledger says by now.
  journal.recordNow(() => {
    for (const row of sql.left.all()) {
      const tokens = countColumn(row, "tokens");
      sql.add.run(row.pass ?? null, row.tier ?? null, usedBy(buyer, textOrNull(row.request_id), tokens));
      sql.leave.run(row.id ?? null);
    }
  });

  async function readTier(id: bigint): Promise<PassTier | undefined> {
    const tier = tiers.get(id) ?? (await passes.tier(id));
    if (tier !== undefined) {
      tiers.set(id, tier);
    }
    return tier;
  }

  /** @param maxAgeMs how old the chain's word may be while the chain answers. */
  async function look(passId: bigint, maxAgeMs: number): Promise<Known> {
    const before = known.get(passId);
    if (before !== undefined && now() - before.readAt < maxAgeMs) {
      return before;
    }
    try {
      const pass = await passes.pass(passId);
      const tier = pass === undefined ? undefined : await readTier(pass.tier);
      if (pass === undefined || tier === undefined) {
        throw notActive(passId, "not known to the contract");
      }
      const fresh = { pass, tier, readAt: now() };
      known.set(passId, fresh);
      return fresh;
    } catch (error) {
      const away = error instanceof DepinferError && error.code === "chain.unreachable";
      if (away && before !== undefined && now() - before.readAt < STALE_MS) {
        return before;
      }
      throw error;
    }
  }

  /** Tokens that a pass bought in its tier: each renewal pays the price once more and adds the quota. */
  function granted({ pass, tier }: Known): bigint {
    return tier.price === 0n ? tier.quota : (tier.quota * pass.paid) / tier.price;
  }

  function usedOf({ pass }: Known): bigint {
    const row = sql.use.get(pass.id, pass.tier);
    return row === undefined ? 0n : BigInt(countColumn(row, "used"));
  }

  function leftOf(state: Known): bigint {
    const reserved = BigInt(countColumn(sql.reserved.get(state.pass.id, state.pass.tier) ?? {}, "tokens"));
    return granted(state) - usedOf(state) - reserved;
  }

  /** Why a pass pays for nothing here, whatever is asked. */
  function standingFault({ pass }: Known, holder: Hex | null): DepinferError | null {
    if (holder !== null && pass.holder !== holder) {
      return handedOver(pass.id);
    }
    if (pass.status !== "active") {
      return notActive(pass.id, pass.status);
    }
    return pass.operator === use.operator && pass.signer === use.signer ? null : notOurs(pass.id);
  }

  function fault(state: Known, asked: Asked, wanted: bigint, holder: Hex | null): DepinferError | null {
    const { pass, tier } = state;
    const standing = standingFault(state, holder);
    if (standing !== null) {
      return standing;
    }
    if (!tierServes(tier, asked.parsed.model)) {
      return otherModel(pass.id, asked.parsed.model);
    }
    const left = leftOf(state);
    return left < wanted ? quotaSpent(pass.id, granted(state), left, wanted) : null;
  }

  /** Counts a request against the tier's rate. @throws DepinferError `pass.rateLimited`. */
  function admit({ pass, tier }: Known): void {
    const since = now() - MINUTE_MS;
    const times = (recent.get(pass.id) ?? []).filter((time) => time > since);
    const [oldest] = times;
    if (tier.requestsPerMinute > 0 && oldest !== undefined && times.length >= tier.requestsPerMinute) {
      throw rateLimited(pass.id, tier.requestsPerMinute, Math.max(1, Math.ceil((oldest - since) / 1_000)));
    }
    recent.set(pass.id, [...times, now()]);
  }

  return {
    use: { ...use, chainId: binding.chainId, contract: binding.verifyingContract },
    async view(passId, holder = null) {
      const state = await look(passId, LEAST_MS);
      const { pass, tier } = state;
      const told = decodeTier(tier);
      const standing = standingFault(state, holder);
      return {
        id: pass.id,
        holder: pass.holder,
        status: pass.status,
        startsAt: pass.start * 1_000,
        endsAt: pass.end * 1_000,
        grantedTokens: granted(state),
        usedTokens: usedOf(state),
        remainingTokens: leftOf(state),
        refundable: microUsd(pass.refundable),
        fault: standing === null ? null : { code: standing.code, message: standing.message },
        tier: {
          id: tier.id,
          price: microUsd(tier.price),
          periodSeconds: tier.periodSeconds,
          quota: tier.quota,
          requestsPerMinute: tier.requestsPerMinute,
          unitsPerMillion: microUsd(tier.unitsPerMillion),
          description: told?.description ?? null,
          models: [...(told?.models ?? [])],
        },
      };
    },
    async checkHolder(passId, keyHash, signature) {
      const digest = passUseDigest({ pass: passId, keyHash, operator: use.operator }, binding);
      const signedBy = accountOf(() => modules.recoverAddress(digest, withUsualParity(signature)), passId);
      const state = await look(passId, LEAST_MS);
      if (state.pass.holder !== signedBy) {
        throw notHolder(passId, signedBy);
      }
      const standing = standingFault(state, signedBy);
      if (standing !== null) {
        throw standing;
      }
      return signedBy;
    },
    remaining: async (passId) => leftOf(await look(passId, LEAST_MS)),
    async enter(passId, asked, holder = null) {
      const { n, generation } = asked.parsed;
      const most = n * (mostPromptTokens(asked.body) + (generation.maxTokens ?? DEFAULT_MAX_TOKENS));
      const wanted = BigInt(most);
      let state = await look(passId, FRESH_MS);
      if (fault(state, asked, wanted, holder) !== null) {
        // It may have been renewed a moment ago.
        state = await look(passId, LEAST_MS);
      }
      const { pass, tier } = state;
      const id = await journal.record(() => {
        const reason = fault(state, asked, wanted, holder);
        if (reason !== null) {
          throw reason;
        }
        admit(state);
        return countColumn(sql.seat.get(pass.id, pass.tier, most) ?? {}, "id");
      });
      let requestId: Hex | null = null;
      let seated = true;
      return {
        pass: { id: pass.id, unitsPerMillion: microUsd(tier.unitsPerMillion) },
        remaining: () => leftOf(state),
        bought(bought) {
          requestId = bought;
          // Not awaited: the journal keeps the order, so this is durable before anything is charged. A journal that
          // fails here fails the purchase too.
          journal.record(() => sql.bought.run(bought, id)).catch(() => undefined);
        },
        async leave(usage) {
          if (seated) {
            seated = false;
            const tokens =
              usage === undefined ? usedBy(buyer, requestId, most) : usage.promptTokens + usage.outputTokens;
            await journal.record(() => {
              sql.add.run(pass.id, pass.tier, tokens);
              sql.leave.run(id);
            });
          }
        },
      };
    },
  };
}

function accountOf(recover: () => Hex, passId: bigint): Hex {
  try {
    return recover();
  } catch (cause) {
    throw badSignature(passId, cause);
  }
}

/** Some wallets end a signature with the bare parity, 0 or 1, instead of 27 or 28. */
function withUsualParity(signature: Hex): Hex {
  const parity = /^0x[0-9a-f]{128}0([01])$/.exec(signature)?.[1];
  return parity === undefined ? signature : `0x${signature.slice(2, -2)}${parity === "0" ? "1b" : "1c"}`;
}

/** Tokens that a request without an answer used: what was paid, and all that was set aside while that is not settled. */
function usedBy(buyer: Pick<Buyer, "request">, requestId: Hex | null, most: number): number {
  const stored = requestId === null ? undefined : buyer.request(requestId);
  if (stored === undefined || stored.state === "failed") {
    return 0;
  }
  return stored.state === "done" || stored.state === "disputed"
    ? stored.usage.promptTokens + stored.usage.outputTokens
    : most;
}

function textOrNull(value: unknown): Hex | null {
  return typeof value === "string" ? `0x${value.slice(2)}` : null;
}
