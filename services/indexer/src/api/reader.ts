import type { Deployment } from "@depinfer/chain";
import { DepinferError } from "@depinfer/protocol";
import type { Endpoint, IndexWindow, indexerApi } from "@depinfer/protocol/api";
import type { z } from "zod";
import type { Database, SqlRow, SqlValue } from "../database.ts";
import type { SetAside } from "../decentralisation/measured-layer.ts";
import { createSharedAnswer, type SharedAnswer } from "./shared-answer.ts";

/** What answers are made of. */
export interface Reader {
  readonly db: Database;
  readonly deployment: Deployment;
  /** Fixed share of audited receipts of this network, or null for the protocol's schedule. */
  readonly auditRate: number | null;
  /** Layers that are left out of the network's index, and why. */
  readonly setAside: SetAside;
  /** Ms between two steps of the base prices. */
  readonly basePricePeriod: number;
  /** What goes over whole tables, and is asked for by every page that is open. */
  readonly shared: {
    readonly overview: SharedAnswer<unknown>;
    readonly models: SharedAnswer<unknown>;
    readonly markets: SharedAnswer<unknown>;
    readonly providers: SharedAnswer<readonly SqlRow[]>;
    readonly index: Readonly<Record<IndexWindow, SharedAnswer<unknown>>>;
  };
}

export function createReader(parts: Omit<Reader, "shared">): Reader {
  return {
    ...parts,
    shared: {
      overview: createSharedAnswer(),
      models: createSharedAnswer(),
      markets: createSharedAnswer(),
      providers: createSharedAnswer(),
      index: {
        hour: createSharedAnswer(),
        day: createSharedAnswer(),
        week: createSharedAnswer(),
        month: createSharedAnswer(),
      },
    },
  };
}

type Api = typeof indexerApi;
type QueryOf<E> = E extends Endpoint<infer Query, z.ZodType, z.ZodType> ? z.output<Query> : never;

/** Answers endpoints; what they give is JSON once bigints are text. */
export type Handlers<Names extends keyof Api> = {
  readonly [Name in Names]: (
    reader: Reader,
    query: QueryOf<Api[Name]>,
    params: Readonly<Record<string, string>>,
  ) => Promise<unknown>;
};

/** The row, or `index.notFound` for none. */
export function requireRow(row: SqlRow | undefined, what: string): SqlRow {
  if (row === undefined) {
    throw new DepinferError({
      code: "index.notFound",
      message: `${what.slice(0, 200)} is not indexed`,
      remedy: "Check the id; receipts appear once their epoch is posted",
    });
  }
  return row;
}

export function badQuery(name: string, value: string, wanted: string): DepinferError {
  return new DepinferError({
    code: "index.badQuery",
    message: `${name} is ${JSON.stringify(value.slice(0, 200))}`,
    remedy: wanted,
    metadata: { name },
  });
}

/** Rows that came before a page. @throws DepinferError `index.badQuery`. */
export function offsetOf(after: string | undefined): number {
  const offset = after === undefined ? 0 : Number(after);
  if (!Number.isSafeInteger(offset) || offset < 0) {
    throw badQuery("after", after ?? "", "Give what `next` of the page before says");
  }
  return offset;
}

/** One page of a statement that ends in its ORDER BY; `after` is how many rows came before. */
export async function page(
  { db }: Reader,
  sql: string,
  values: readonly SqlValue[],
  { limit, after }: { readonly limit: number; readonly after?: string | undefined },
): Promise<{ data: readonly SqlRow[]; next: string | null }> {
  const offset = offsetOf(after);
  // One more row than asked for tells whether there is another page.
  const rows = await db.query(`${sql} LIMIT ${limit + 1} OFFSET ${offset}`, values);
  const more = rows.length > limit;
  return { data: more ? rows.slice(0, limit) : rows, next: more ? String(offset + limit) : null };
}

/** A whole number of the chain's, of any size, as people write it; null for anything else. */
export function wholeNumber(text: string): string | null {
  return /^(0|[1-9]\d{0,17})$/.test(text) ? text : null;
}

/** A column of an event's time. */
export const AT = (block: string) => `(SELECT at FROM blocks WHERE number = ${block})`;

/** Columns of an event as the API shows it; the table is `e`. */
export const EVENT = `e.block, e.log_index AS "logIndex", e.tx, e.contract, e.name, e.args, ${AT("e.block")} AS at`;
