const DAY_MS = 86_400_000;

/** Ranges that are offered; `all` has no beginning, `custom` is what the fields say. */
export const RANGES = ["7d", "30d", "month", "all", "custom"] as const;
export type RangeName = (typeof RANGES)[number];

/** What a statement is asked for: days in UTC, `until` not included. Absent ends are open. */
export interface Range {
  readonly since?: string;
  readonly until?: string;
}

/**
 * @param today ms since 1970.
 * @param from first day and `to` last day, as fields have them; for `custom` only.
 */
export function rangeOf(
  name: RangeName,
  today: number,
  { from, to }: { readonly from: string; readonly to: string },
): Range {
  switch (name) {
    case "7d":
      return { since: dayOf(today - 6 * DAY_MS) };
    case "30d":
      return { since: dayOf(today - 29 * DAY_MS) };
    case "month":
      return { since: `${dayOf(today).slice(0, 7)}-01` };
    case "custom":
      return {
        ...(isDay(from) ? { since: from } : {}),
        // The reader's last day belongs to it.
        ...(isDay(to) ? { until: dayOf(Date.parse(to) + DAY_MS) } : {}),
      };
    default:
      return {};
  }
}

/** What is wrong with the days of a reader, or null. */
export function rangeFault({ since, until }: Range): string | null {
  return since !== undefined && until !== undefined && since >= until ? "The first day is after the last one" : null;
}

/** `Nov 23` of a day that is counted from 1970. */
export function dayTick(day: number): string {
  return TICK.format(day * DAY_MS);
}
const TICK = new Intl.DateTimeFormat("en", { month: "short", day: "numeric", timeZone: "UTC" });

/** `yyyy-mm-dd` in UTC. */
export function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

export function isDay(text: string): boolean {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isFinite(at) && dayOf(at) === text;
}

interface Line {
  readonly day: string;
  readonly cost: bigint;
  readonly requests: number;
}

/** Most days of a plot; more is nobody's statement, and would be made up of zeros. */
const MOST_DAYS = 1_100;

/**
 * Sums by day up to the last that has any, with zeros between; `day` counts from 1970.
 *
 * @param least days that there are at least, if there is one: zeros before the first.
 */
export function perDay(
  lines: readonly Line[],
  least: number,
): readonly { readonly day: number; readonly cost: bigint; readonly requests: number }[] {
  const days = Map.groupBy(
    lines.filter(({ day }) => isDay(day)),
    ({ day }) => Date.parse(day),
  );
  const known = [...days.keys()].sort((a, b) => a - b);
  const last = known.at(-1);
  if (last === undefined) {
    return [];
  }
  const span = Math.max(least, (last - (known[0] ?? last)) / DAY_MS + 1);
  const length = Math.min(MOST_DAYS, span);
  return Array.from({ length }, (_, index) => {
    const at = last - (length - 1 - index) * DAY_MS;
    const own = days.get(at) ?? [];
    return {
      day: at / DAY_MS,
      cost: own.reduce((sum, { cost }) => sum + cost, 0n),
      requests: own.reduce((sum, { requests }) => sum + requests, 0),
    };
  });
}
