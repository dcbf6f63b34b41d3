import type { SearchHit } from "@depinfer/protocol/api";
import type { SqlRow } from "../database.ts";
import { AT, EVENT, type Handlers, type Reader, requireRow, wholeNumber } from "./reader.ts";

const MOST_HITS = 20;
/** Digits from which on the beginning of an id is looked for. */
const LEAST_PREFIX = 6;

interface Source {
  readonly kind: SearchHit["kind"];
  /** Gives `id` and `label` of what begins with `$1`. */
  readonly sql: string;
}

const like = (column: string) => `${column} LIKE $1 || '%'`;

const SOURCES: readonly Source[] = [
  {
    kind: "receipt",
    sql: `SELECT id, output_tokens || ' tokens of ' || provider AS label FROM receipts WHERE ${like("id")}`,
  },
  {
    kind: "request",
    sql: `SELECT request_id AS id, 'request answered by ' || provider AS label FROM receipts WHERE ${like("request_id")}`,
  },
  {
    kind: "provider",
    sql: `SELECT operator AS id, 'provider' AS label FROM operators WHERE role = 1 AND ${like("operator")}`,
  },
  {
    kind: "validator",
    sql: `SELECT operator AS id, 'validator' AS label FROM operators WHERE role = 2 AND ${like("operator")}`,
  },
  { kind: "channel", sql: `SELECT id, payer || ' to ' || receiver AS label FROM channels WHERE ${like("id")}` },
  {
    kind: "epoch",
    sql: `SELECT provider || '/' || epoch AS id, count || ' receipts' AS label FROM epochs WHERE ${like("root")}`,
  },
  {
    kind: "tx",
    sql: `SELECT DISTINCT tx AS id, 'transaction in block ' || block AS label FROM events WHERE ${like("tx")}`,
  },
  { kind: "dispute", sql: `SELECT id, 'against ' || accused AS label FROM disputes WHERE ${like("id")}` },
  { kind: "class", sql: `SELECT DISTINCT class_id AS id, model AS label FROM offers WHERE ${like("class_id")}` },
  {
    kind: "account",
    sql: `SELECT DISTINCT payer AS id, 'pays through channels' AS label FROM channels WHERE ${like("payer")}`,
  },
];

async function byHex({ db }: Reader, text: string): Promise<SearchHit[]> {
  const found = await Promise.all(
    SOURCES.map(async ({ kind, sql }) =>
      (await db.query(`${sql} LIMIT ${MOST_HITS}`, [text])).map((row) => hit(kind, row)),
    ),
  );
  return found.flat();
}

async function byNumber({ db }: Reader, text: string): Promise<SearchHit[]> {
  const [blocks, passes] = await Promise.all([
    db.query("SELECT block::text AS id, 'block' AS label FROM progress WHERE block >= $1::bigint", [text]),
    db.query(
      "SELECT args->>'passId' AS id, 'pass' AS label FROM events WHERE name = 'PassBought' AND args->>'passId' = $1",
      [text],
    ),
  ]);
  return [
    ...blocks.map((): SearchHit => ({ kind: "block", id: text, label: `block ${text}` })),
    ...passes.map((row) => hit("pass", row)),
  ];
}

async function byName({ db }: Reader, text: string): Promise<SearchHit[]> {
  const rows = await db.query(
    "SELECT DISTINCT model AS id, 'model' AS label FROM offers WHERE model ILIKE $1 LIMIT 20",
    [`%${text.replaceAll(/[\\%_]/g, "\\$&")}%`],
  );
  return rows.map((row) => hit("model", row));
}

function hit(kind: SearchHit["kind"], { id, label }: SqlRow): SearchHit {
  return { kind, id: String(id), label: String(label) };
}

export const lookupHandlers: Handlers<"tx" | "block" | "account" | "search"> = {
  async tx({ db }, _, { hash = "" }) {
    const tx = hash.toLowerCase();
    const events = await db.query(`SELECT ${EVENT} FROM events e WHERE e.tx = $1 ORDER BY e.log_index`, [tx]);
    requireRow(events[0], `Transaction ${hash}`);
    return { tx, events };
  },
  async block({ db }, _, { number = "" }) {
    const block = wholeNumber(number);
    const [known] = await db.query("SELECT block FROM progress WHERE block >= $1::bigint", [
      block ?? "999999999999999999",
    ]);
    requireRow(known, `Block ${number}`);
    const [time] = await db.query(`SELECT ${AT("$1::bigint")} AS at`, [block]);
    const events = await db.query(`SELECT ${EVENT} FROM events e WHERE e.block = $1::bigint ORDER BY e.log_index`, [
      block,
    ]);
    return { block: Number(block), at: time?.at ?? null, events };
  },
  async account({ db, deployment }, _, { account: given = "" }) {
    const account = given.toLowerCase();
    const [row] = await db.query(
      `SELECT (SELECT count(*) FROM channels WHERE payer = $1) AS "channelsPaid", (SELECT count(*) FROM channels WHERE receiver = $1) AS "channelsReceived",
         (SELECT count(*) FROM receipts WHERE provider = $1) AS receipts, (SELECT count(*) FROM audits WHERE validator = $1) AS audits,
         (SELECT count(*) FROM events WHERE name = 'PassBought' AND args->>'holder' = $1) AS passes,
         (SELECT role FROM operators WHERE operator = $1) AS role`,
      [account],
    );
    const { role, ...counts } = row ?? {};
    const roles = [
      ...(Number(role) === 1 ? ["provider"] : []),
      ...(Number(role) === 2 ? ["validator"] : []),
      ...(Number(counts.channelsPaid) > 0 ? ["payer"] : []),
      ...(Number(counts.passes) > 0 ? ["holder"] : []),
      ...(Object.values(deployment.addresses).some((address) => address === account) ? ["contract"] : []),
    ];
    requireRow(roles.length === 0 ? undefined : counts, `Account ${given}`);
    return { account, roles, ...counts };
  },
  async search(reader, { q }) {
    const text = q.trim().toLowerCase();
    const hits = await Promise.all([
      /^0x[0-9a-f]*$/.test(text) && text.length >= LEAST_PREFIX + 2 ? byHex(reader, text) : [],
      wholeNumber(text) === null ? [] : byNumber(reader, text),
      /^0x[0-9a-f]+$/.test(text) ? [] : byName(reader, q.trim()),
    ]);
    return { data: hits.flat().slice(0, MOST_HITS) };
  },
};
