import { type Journal, textColumn } from "@depinfer/journal";

/** A response as it is kept for its key: what was asked, and what was answered, both as JSON. */
export interface KeptResponse {
  readonly id: string;
  /** The response that it went on from, or null. */
  readonly previous: string | null;
  /** Unix second. */
  readonly createdAt: number;
  /** The response object. */
  readonly response: string;
  /** The items of the request's input. */
  readonly input: string;
}

/** Responses that a key can go on from and look at again. Nobody finds another key's. */
export interface ResponseStore {
  /** Resolves when it is durable. */
  keep(account: string, response: KeptResponse): Promise<void>;
  find(account: string, id: string): Promise<KeptResponse | undefined>;
  /** Resolves with whether there was one. */
  remove(account: string, id: string): Promise<boolean>;
}

/** The part of a journal that keeps responses. */
export const RESPONSE_MIGRATIONS: readonly string[] = [
  `CREATE TABLE responses (
     account TEXT NOT NULL,
     id TEXT NOT NULL,
     previous TEXT,
     created_at INTEGER NOT NULL,            -- Unix second
     response TEXT NOT NULL,                 -- JSON
     input TEXT NOT NULL,                    -- JSON
     PRIMARY KEY (account, id)
   ) STRICT;
   CREATE INDEX responses_by_age ON responses (created_at)`,
];

/** As long as OpenAI keeps them. */
const KEPT_SECONDS = 30 * 86_400;
const SWEEP_EVERY = 256;

export function createResponseStore(journal: Journal): ResponseStore {
  const { db } = journal;
  const insert = db.prepare("INSERT OR REPLACE INTO responses VALUES (?, ?, ?, ?, ?, ?)");
  const select = db.prepare("SELECT * FROM responses WHERE account = ? AND id = ?");
  const remove = db.prepare("DELETE FROM responses WHERE account = ? AND id = ?");
  const sweep = db.prepare("DELETE FROM responses WHERE created_at < ?");
  let kept = 0;
  return {
    async keep(account, { id, previous, createdAt, response, input }) {
      await journal.record(() => {
        insert.run(account, id, previous, createdAt, response, input);
        if (kept % SWEEP_EVERY === 0) {
          sweep.run(createdAt - KEPT_SECONDS);
        }
        kept += 1;
      });
    },
    async find(account, id) {
      const row = select.get(account, id);
      return row === undefined
        ? undefined
        : {
            id,
            previous: row.previous === null ? null : textColumn(row, "previous"),
            createdAt: Number(row.created_at),
            response: textColumn(row, "response"),
            input: textColumn(row, "input"),
          };
    },
    async remove(account, id) {
      const { changes } = await journal.record(() => remove.run(account, id));
      return BigInt(changes) > 0n;
    },
  };
}
