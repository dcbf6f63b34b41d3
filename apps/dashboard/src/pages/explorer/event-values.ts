import { KINDS, type Kind, placeOf } from "./places.ts";

/** What an argument of an event is, so that it is shown and linked as such. */
export type EventValue =
  | { readonly as: "link"; readonly id: string; readonly to: string }
  | { readonly as: "id"; readonly id: string }
  | { readonly as: "money"; readonly units: bigint }
  | { readonly as: "time"; readonly at: number }
  | { readonly as: "duration"; readonly milliseconds: number }
  | { readonly as: "text"; readonly text: string };

/** Arguments by the kind of thing that they name; other accounts are accounts. */
const NAMES_OF: ReadonlyMap<string, Kind> = new Map([
  ["channelId", "channel"],
  ["disputeId", "dispute"],
  ["receiptId", "receipt"],
  ["requestId", "request"],
  ["classId", "class"],
  ["passId", "pass"],
  ["provider", "provider"],
  ["accused", "provider"],
  ["validator", "validator"],
  ["block", "block"],
  ["targetBlock", "block"],
  ["drawBlock", "block"],
]);

/** Arguments that count units of money, by the contracts' names. */
const MONEY = new Set([
  "amount",
  "settled",
  "returned",
  "deposit",
  "totalCost",
  "stake",
  "toSink",
  "slashed",
  "bond",
  "price",
  "paid",
  "refund",
  "refunded",
  "budget",
  "compensation",
]);

/** Seconds since 1970. */
const TIMES = new Set(["withdrawAt", "availableAt", "endsAt", "startsAt", "deadline", "expiresAt"]);

/** Lengths of time in seconds. */
const DURATIONS = new Set(["withdrawDelay", "period", "periodSeconds"]);

const HEX = /^0x[0-9a-f]*$/;
const DIGITS = /^\d{1,78}$/;
const MOST_TEXT = 300;
/** Seconds beyond this are no date; contracts say "never" with the largest number. */
const LAST_SECOND = 8_640_000_000_000;

/** Reads one argument; `args` are all of its event's. */
export function eventValue(name: string, value: unknown, args: Readonly<Record<string, unknown>>): EventValue {
  const text = typeof value === "string" ? value : typeof value === "number" ? String(value) : null;
  if (text === null) {
    return { as: "text", text: (JSON.stringify(value) ?? "").slice(0, MOST_TEXT) };
  }
  if (DIGITS.test(text)) {
    if (name === "epoch" && typeof args.provider === "string") {
      const id = `${args.provider}/${text}`;
      return KINDS.epoch.form.test(id) ? { as: "link", id: text, to: placeOf("epoch", id) } : { as: "text", text };
    }
    if (MONEY.has(name)) {
      return { as: "money", units: BigInt(text) };
    }
    if (TIMES.has(name) && Number(text) > 0 && Number(text) < LAST_SECOND) {
      return { as: "time", at: Number(text) * 1_000 };
    }
    if (DURATIONS.has(name) && Number(text) < LAST_SECOND) {
      return { as: "duration", milliseconds: Number(text) * 1_000 };
    }
  }
  const kind = NAMES_OF.get(name) ?? (KINDS.account.form.test(text) ? "account" : undefined);
  if (kind !== undefined && KINDS[kind].form.test(text)) {
    return { as: "link", id: text, to: placeOf(kind, text) };
  }
  return HEX.test(text) && text.length > 2 ? { as: "id", id: text } : { as: "text", text: text.slice(0, MOST_TEXT) };
}

/** `ChannelOpened` as `Channel opened`, `withdrawDelay` as `Withdraw delay`. */
export function words(name: string): string {
  const spaced = name
    .slice(0, 80)
    .replaceAll(/([a-z\d])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`);
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}
