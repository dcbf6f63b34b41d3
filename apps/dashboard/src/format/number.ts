const whole = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** `1,234,567`. */
export function count(value: number | bigint): string {
  return whole.format(value);
}

/** `1.2M`, for where there is no room; the exact figure belongs into its explanation. */
export function compact(value: number | bigint): string {
  return short.format(value);
}

/** `97.3 %`; what is not quite all or nothing never reads as such. */
export function percent(share: number, digits = 1): string {
  if (!Number.isFinite(share)) {
    return "no data";
  }
  const least = 10 ** -(digits + 2);
  if (share > 0 && share < least) {
    return `< ${(least * 100).toFixed(digits)} %`;
  }
  if (share < 1 && share > 1 - least) {
    return `> ${((1 - least) * 100).toFixed(digits)} %`;
  }
  return `${(share * 100).toFixed(share === 0 || share === 1 ? 0 : digits)} %`;
}

/** A difference of two shares: `+0.3 points`, `−1.2 points`, `0 points`. */
export function points(difference: number): string {
  const size = Math.abs(difference * 100);
  return `${difference > 0 ? "+" : difference < 0 ? "−" : ""}${size === 0 ? "0" : size.toFixed(1)} points`;
}

/** `0x1234…cdef`, for ids that stand among others. */
export function shortId(id: string): string {
  return id.length > 14 ? `${id.slice(0, 8)}…${id.slice(-4)}` : id;
}

/** `1 token`, `2 tokens`, `3 mismatches`. */
export function plural(amount: number | bigint, noun: string): string {
  const ending = amount === 1 || amount === 1n ? "" : /(s|x|ch|sh)$/.test(noun) ? "es" : "s";
  return `${count(amount)} ${noun}${ending}`;
}
