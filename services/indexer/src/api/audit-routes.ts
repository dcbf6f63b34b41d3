import { EVENT, type Handlers, page, requireRow } from "./reader.ts";
import { AUDIT, DISPUTE } from "./receipt-routes.ts";

export const auditHandlers: Handlers<"audits" | "disputes" | "dispute"> = {
  audits: (reader, { provider, validator, verdict, receipt, ...rest }) =>
    page(
      reader,
      `SELECT ${AUDIT} FROM audits a WHERE ($1::text IS NULL OR a.provider = $1) AND ($2::text IS NULL OR a.validator = $2)
         AND ($3::text IS NULL OR a.verdict = $3) AND ($4::text IS NULL OR a.receipt_id = $4) ORDER BY a.block DESC, a.log_index DESC`,
      [provider ?? null, validator ?? null, verdict ?? null, receipt ?? null],
      rest,
    ),
  disputes: (reader, { provider, open, ...rest }) =>
    page(
      reader,
      `SELECT ${DISPUTE} FROM disputes d WHERE ($1::text IS NULL OR d.accused = $1) AND ($2::boolean IS NULL OR (d.outcome IS NULL) = $2)
       ORDER BY d.opened_block DESC, d.id`,
      [provider ?? null, open ?? null],
      rest,
    ),
  async dispute({ db }, _, { id = "" }) {
    const [row] = await db.query(`SELECT ${DISPUTE} FROM disputes d WHERE d.id = $1`, [id.toLowerCase()]);
    const found = requireRow(row, `Dispute ${id}`);
    const events = await db.query(
      `SELECT ${EVENT} FROM events e WHERE e.args->>'id' = $1 OR e.args->>'disputeId' = $1 ORDER BY e.block, e.log_index`,
      [String(found.id)],
    );
    return { ...found, events };
  },
};
