import { type MicroUsd, microUsd } from "@depinfer/protocol";
import { InvalidArgumentError } from "commander";

/** Dollars as people write them, `12` or `0.05` or `$3.50`, in units. At most six decimals: there is nothing smaller. */
export function usd(text: string): MicroUsd {
  const [, whole, fraction = ""] = /^\$?(\d{1,12})(?:\.(\d{1,6}))?$/.exec(text.trim()) ?? [];
  const amount = whole === undefined ? 0n : BigInt(whole) * 1_000_000n + BigInt(fraction.padEnd(6, "0"));
  if (amount === 0n) {
    throw new InvalidArgumentError(`${JSON.stringify(text)} is not an amount of dollars such as 12 or 0.05`);
  }
  return microUsd(amount);
}

/** A pass, tier or slot count: a whole number. */
export function ordinal(text: string): bigint {
  if (!/^\d{1,18}$/.test(text)) {
    throw new InvalidArgumentError(`${JSON.stringify(text)} is not a whole number`);
  }
  return BigInt(text);
}

/** Money in JSON: digits. */
export function digits(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}

/** When something unlocks, against the chain's clock: `now`, or `in 3 min (2026-01-02 03:04:05 UTC)`. */
export function unlock(at: number | undefined, now: number): string {
  if (at === undefined || at <= now) {
    return "now";
  }
  return `in ${about(at - now)} (${new Date(at * 1000).toISOString().slice(0, 19).replace("T", " ")} UTC)`;
}

/** A number of seconds for people: `90 s`, `15 min`, `7 d`. */
export function about(seconds: number): string {
  const [count, unit] =
    seconds < 120
      ? [seconds, "s"]
      : seconds < 7_200
        ? [Math.ceil(seconds / 60), "min"]
        : seconds < 172_800
          ? [Math.ceil(seconds / 3_600), "h"]
          : [Math.ceil(seconds / 86_400), "d"];
  return `${count} ${unit}`;
}
