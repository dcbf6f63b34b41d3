import { fromHex, merkleProof, toHex } from "@depinfer/protocol";
import type { SqlRow } from "../database.ts";
import { AT, badQuery, type Handlers, page, type Reader, requireRow } from "./reader.ts";

/** Name under which a class was offered last. */
const MODEL = "(SELECT o.model FROM offers o WHERE o.class_id = r.class_id ORDER BY o.heard_at DESC LIMIT 1)";
const RECEIPT = `r.id, r.epoch, ${MODEL} AS model, r.receipt`;

export const AUDIT = `a.receipt_id AS "receiptId", a.provider, a.validator, a.epoch, a.class_id AS "classId", a.verdict, a.tokens, a.mismatches,
  a.margin_micros AS "marginMicros", a.evidence_hash AS "evidenceHash", a.tx, a.block, ${AT("a.block")} AS at`;

export const DISPUTE = `d.id, d.accused, d.challenger, d.receipt_id AS "receiptId", d.appellant, d.outcome, d.slashed::text AS slashed, d.tx,
  d.opened_block AS "openedBlock", ${AT("d.opened_block")} AS "openedAt", ${AT("d.closed_block")} AS "closedAt"`;

export const EPOCH = `p.provider, p.epoch, p.root, p.count, p.cost::text AS cost, p.beacon, p.tx, p.block, ${AT("p.block")} AS at,
  (SELECT count(*) FROM receipts r WHERE r.provider = p.provider AND r.epoch = p.epoch) AS indexed`;

/** Receipts by their ids. */
export async function receiptsById({ db }: Pick<Reader, "db">, ids: readonly string[]): Promise<readonly SqlRow[]> {
  return db.query(
    `SELECT ${RECEIPT} FROM receipts r WHERE r.id IN (SELECT jsonb_array_elements_text($1::jsonb)) ORDER BY r.finished_at`,
    [JSON.stringify(ids)],
  );
}

/** `finishedAt:id` of the last row of the page before. */
function cursorOf(after: string | undefined): readonly [number, string] | null {
  if (after === undefined) {
    return null;
  }
  const match = /^(\d{1,15}):(0x[0-9a-f]{64})$/.exec(after);
  if (match === null) {
    throw badQuery("after", after, "Give what `next` of the page before says");
  }
  return [Number(match[1]), match[2] ?? ""];
}

export const receiptHandlers: Handlers<"receipts" | "receipt" | "epochs" | "epoch"> = {
  async receipts({ db }, { limit, after, provider, classId, channel, before }) {
    const cursor = cursorOf(after);
    const rows = await db.query(
      `SELECT ${RECEIPT}, r.finished_at AS finished FROM receipts r
       WHERE ($1::text IS NULL OR r.provider = $1) AND ($2::text IS NULL OR r.class_id = $2) AND ($3::text IS NULL OR r.channel_id = $3)
         AND ($4::bigint IS NULL OR (r.finished_at, r.id) < ($4, $5)) AND ($6::bigint IS NULL OR r.finished_at < $6)
       ORDER BY r.finished_at DESC, r.id DESC LIMIT ${limit + 1}`,
      [provider ?? null, classId ?? null, channel ?? null, cursor?.[0] ?? null, cursor?.[1] ?? null, before ?? null],
    );
    const shown = rows.slice(0, limit);
    const last = shown.at(-1);
    return {
      data: shown.map(({ finished: _, ...row }) => row),
      next: rows.length > limit && last !== undefined ? `${String(last.finished)}:${String(last.id)}` : null,
    };
  },
  async receipt({ db }, _, { id = "" }) {
    const [found] = await db.query(
      `SELECT ${RECEIPT}, r.provider, r.position, p.root, p.tx AS "rootTx", p.block AS "rootBlock", ${AT("p.block")} AS "rootAt",
         (SELECT o.receipt_key FROM operators o WHERE o.operator = r.provider) AS "receiptKey"
       FROM receipts r JOIN epochs p ON p.provider = r.provider AND p.epoch = r.epoch WHERE r.id = $1 OR r.request_id = $1 LIMIT 1`,
      [id.toLowerCase()],
    );
    const { provider, position, ...row } = requireRow(found, `Receipt ${id}`);
    const leaves = await db.query("SELECT id FROM receipts WHERE provider = $1 AND epoch = $2 ORDER BY position", [
      String(provider),
      String(row.epoch),
    ]);
    const index = Number(position);
    const siblings = merkleProof(
      leaves.map((leaf) => fromHex(String(leaf.id), 32)),
      index,
    );
    const receiptId = String(row.id);
    const [audits, disputes] = await Promise.all([
      db.query(`SELECT ${AUDIT} FROM audits a WHERE a.receipt_id = $1 ORDER BY a.block`, [receiptId]),
      db.query(`SELECT ${DISPUTE} FROM disputes d WHERE d.receipt_id = $1 ORDER BY d.opened_block`, [receiptId]),
    ]);
    return { ...row, merkle: { index, count: leaves.length, siblings: siblings.map(toHex) }, audits, disputes };
  },
  epochs: (reader, { provider, ...rest }) =>
    page(
      reader,
      `SELECT ${EPOCH} FROM epochs p WHERE ($1::text IS NULL OR p.provider = $1) ORDER BY p.block DESC, p.provider`,
      [provider ?? null],
      rest,
    ),
  async epoch({ db }, _, { provider = "", epoch = "" }) {
    const values = [provider.toLowerCase(), /^\d{1,15}$/.test(epoch) ? epoch : "-1"];
    const [row] = await db.query(`SELECT ${EPOCH} FROM epochs p WHERE p.provider = $1 AND p.epoch = $2`, values);
    const receipts = await db.query(
      `SELECT ${RECEIPT} FROM receipts r WHERE r.provider = $1 AND r.epoch = $2 ORDER BY r.position LIMIT 10000`,
      values,
    );
    return { ...requireRow(row, `Epoch ${epoch} of ${provider}`), receipts };
  },
};
