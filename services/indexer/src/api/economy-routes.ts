import { readBasePrices } from "../economy/base-prices.ts";
import { readConditions, readStatement } from "../economy/conditions.ts";
import { linesByModel, linesByTime } from "../economy/statement.ts";
import { badQuery, type Handlers } from "./reader.ts";

const HOUR_MS = 3_600_000;
const WEEK_MS = 168 * HOUR_MS;
const MOST_LINES = 2_000;
const WIDTHS = { hour: HOUR_MS, day: 24 * HOUR_MS } as const;

export const economyHandlers: Handlers<"marketConditions" | "statement" | "basePrices"> = {
  async marketConditions({ db, shared }, { model, since }) {
    const until = Date.now();
    const start = since ?? until - WEEK_MS;
    checkSpan(start, until);
    const read = async () => ({ since: start, until, data: await readConditions(db, start, until, model ?? null) });
    return since === undefined && model === undefined ? shared.markets(read) : read();
  },
  async statement({ db }, { since, until = Date.now(), by }, { provider = "" }) {
    const account = provider.toLowerCase();
    const start = since ?? Math.max(0, until - WEEK_MS);
    checkSpan(start, until);
    const width = by === "model" ? null : WIDTHS[by];
    if (width !== null && (until - start) / width > MOST_LINES) {
      throw badQuery("since", String(start), `Ask for at most ${MOST_LINES} lines, or for days in place of hours`);
    }
    const read = await readStatement(db, account, start, until, width);
    const data = width === null ? linesByModel(read) : linesByTime(read, width);
    return { provider: account, since: start, until, slots: read.slots, data };
  },
  basePrices: ({ db, basePricePeriod }, { model }) => readBasePrices(db, model ?? null, basePricePeriod),
};

function checkSpan(since: number, until: number): void {
  if (since >= until) {
    throw badQuery("since", String(since), `Give a time before ${until}`);
  }
}
