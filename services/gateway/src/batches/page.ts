import type { IncomingMessage } from "node:http";
import { invalid } from "../invalid.ts";

const MOST_LISTED = 100;
const LISTED = 20;

/** The part of a list that `limit` and `after` ask for. @throws DepinferError `request.invalid`. */
export function pageOf<Entry extends { readonly id: string }>(request: IncomingMessage, entries: readonly Entry[]) {
  const query = new URL(request.url ?? "/", "http://localhost").searchParams;
  for (const name of query.keys()) {
    if (!["limit", "after", "order", "purpose"].includes(name)) {
      throw invalid(name, `Unknown parameter: ${name}`);
    }
  }
  const limit = query.get("limit") ?? String(LISTED);
  if (!/^\d{1,5}$/.test(limit) || Number(limit) < 1) {
    throw invalid("limit", `limit is ${JSON.stringify(limit.slice(0, 50))}, and has to be a number above 0`);
  }
  const purpose = query.get("purpose");
  const wanted = entries.filter((entry) => purpose === null || !("purpose" in entry) || entry.purpose === purpose);
  const ordered = query.get("order") === "asc" ? wanted.toReversed() : wanted;
  const after = query.get("after");
  const start = after === null ? 0 : ordered.findIndex(({ id }) => id === after) + 1;
  if (after !== null && start === 0) {
    throw invalid("after", `after is ${JSON.stringify(after.slice(0, 200))}, which is not in the list`);
  }
  const data = ordered.slice(start, start + Math.min(Number(limit), MOST_LISTED));
  return {
    object: "list",
    data,
    first_id: data.at(0)?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: start + data.length < ordered.length,
  };
}
