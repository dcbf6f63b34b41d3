import { DepinferError, formatUsd, type Hex, type MicroUsd } from "@depinfer/protocol";

/**
 * What payers have promised and not paid yet. Each payment is verified alone, and the same balance would cover any number
 * of them at once; and an answer whose payment fails after all has been bought nevertheless.
 */
export interface Commitments {
  /**
   * Sets an amount of the payer's balance aside until the result is called.
   *
   * @throws DepinferError `payment.overcommitted` when the balance does not cover what the payer promised before as well.
   */
  hold(payer: Hex, amount: bigint): Promise<() => void>;
  /** Notes an answer that was bought and not paid. */
  lost(cost: MicroUsd): void;
  /** @throws DepinferError `payment.paused` when too much was lost within the last hour. */
  check(): void;
}

const HOUR_MS = 3_600_000;

/** @param mostLoss units that may be lost within an hour before nothing is sold for the rest of it. */
export function createCommitments(
  balanceOf: (payer: Hex) => Promise<bigint>,
  mostLoss: MicroUsd,
  now: () => number = Date.now,
): Commitments {
  const held = new Map<Hex, bigint>();
  let losses: { readonly at: number; readonly cost: bigint }[] = [];

  function add(payer: Hex, amount: bigint): void {
    const sum = (held.get(payer) ?? 0n) + amount;
    if (sum > 0n) {
      held.set(payer, sum);
    } else {
      held.delete(payer);
    }
  }

  return {
    async hold(payer, amount) {
      // Before the balance is read, so that of several at once each counts with those that came first.
      const before = held.get(payer) ?? 0n;
      add(payer, amount);
      let balance: bigint;
      try {
        balance = await balanceOf(payer);
      } catch (error) {
        add(payer, -amount);
        throw error;
      }
      if (balance < before + amount) {
        add(payer, -amount);
        throw overcommitted(payer, balance, before, amount);
      }
      let holds = true;
      return () => {
        if (holds) {
          holds = false;
          add(payer, -amount);
        }
      };
    },
    lost(cost) {
      losses.push({ at: now(), cost });
    },
    check() {
      losses = losses.filter(({ at }) => at > now() - HOUR_MS);
      const sum = losses.reduce((total, { cost }) => total + cost, 0n);
      if (sum > mostLoss) {
        throw paused(sum);
      }
    },
  };
}

function overcommitted(payer: Hex, balance: bigint, before: bigint, amount: bigint): DepinferError {
  return new DepinferError({
    code: "payment.overcommitted",
    message: `The wallet ${payer} has ${formatUsd(balance)}; its payments at work take ${formatUsd(before)}, and this one ${formatUsd(amount)} more`,
    remedy: "Nothing was taken. Wait for the answers that are on their way, or put more money into the wallet",
    metadata: { payer, balance: balance.toString(), before: before.toString(), amount: amount.toString() },
  });
}

function paused(sum: bigint): DepinferError {
  return new DepinferError({
    code: "payment.paused",
    message: `Answers for ${formatUsd(sum)} were bought within an hour and their payments failed; nothing is sold by x402 until that is past`,
    remedy: "Try again later, or use an API key",
    metadata: { lost: sum.toString() },
    retryable: true,
  });
}
