import { formatUsd } from "@depinfer/protocol";

/** One dollar in units. */
const DOLLAR = 1_000_000n;

const grouped = new Intl.NumberFormat("en");

/** Dollars with every unit that there is: `$1,234.56`, `$0.000123`. Exact, whatever the size. */
export function usd(units: bigint): string {
  const [dollars, fraction] = formatUsd(units < 0n ? -units : units)
    .slice(1)
    .split(".");
  return `${units < 0n ? "−" : ""}$${grouped.format(BigInt(dollars ?? "0"))}.${fraction}`;
}

/** The same in units, for who wants to see what is counted: `1,234,560,000 units`. */
export function unitsText(units: bigint): string {
  const size = units < 0n ? -units : units;
  return `${units < 0n ? "−" : ""}${grouped.format(size)} unit${size === 1n ? "" : "s"}`;
}

/** A price in units per million tokens as `$0.20 / 1M`. */
export function perMillion(units: bigint): string {
  return `${usd(units)} / 1M`;
}

/** Dollars as a number, for plots only: inexact beyond 2^53 units. */
export function plotUsd(units: bigint): number {
  return Number(units) / Number(DOLLAR);
}

/**
 * Units from what a person typed, `12`, `0.5` or `$1,000.25`.
 *
 * @returns null when it is no amount of at most six decimals.
 */
export function parseUsd(text: string): bigint | null {
  const match = /^\$?(\d{1,3}(?:,\d{3})+|\d{1,15})(?:\.(\d{1,6}))?$/.exec(text.trim());
  if (match === null) {
    return null;
  }
  const [, dollars = "", fraction = ""] = match;
  return BigInt(dollars.replaceAll(",", "")) * DOLLAR + BigInt(fraction.padEnd(6, "0"));
}
