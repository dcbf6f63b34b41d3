/** Milliseconds in each unit, largest first. */
const UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["year", 31_557_600_000],
  ["month", 2_629_800_000],
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1_000],
];

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const absolute = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "medium" });

/** `3 minutes ago`, `in 2 hours`, `now`. */
export function ago(at: number, now: number): string {
  const difference = at - now;
  const [unit, size] = UNITS.find(([, milliseconds]) => Math.abs(difference) >= milliseconds) ?? ["second", 1_000];
  return relative.format(Math.trunc(difference / size), unit);
}

/** The whole date and time, in the reader's zone; `unknown` for what is no time. */
export function dateTime(at: number): string {
  return Number.isFinite(at) ? absolute.format(at) : "unknown";
}

/** How long something took or takes: `840 ms`, `2.4 s`, `3 min 20 s`, `2 d 4 h`. */
export function duration(milliseconds: number): string {
  if (!Number.isFinite(milliseconds) || milliseconds < 0) {
    return "unknown";
  }
  if (milliseconds < 1_000) {
    return `${Math.round(milliseconds)} ms`;
  }
  if (milliseconds < 60_000) {
    return `${(milliseconds / 1_000).toFixed(1)} s`;
  }
  const seconds = Math.round(milliseconds / 1_000);
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3_600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  return parts
    .slice(first, first + 2)
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount} ${unit}`)
    .join(" ");
}

/** By how much the other side's clock is ahead of ours, as text, or null when nobody needs to care. */
export function clockSkew(skewMs: number): string | null {
  const TOLERATED_MS = 30_000;
  if (Math.abs(skewMs) < TOLERATED_MS) {
    return null;
  }
  return `${duration(Math.abs(skewMs))} ${skewMs > 0 ? "behind" : "ahead of"} the network's`;
}
