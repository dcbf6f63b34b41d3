import { errorMessage, type Log, type Offer } from "@depinfer/protocol";
import type { Database } from "../database.ts";
import type { EventHub } from "./event-hub.ts";
import { CHANNEL } from "./money-routes.ts";
import { AT } from "./reader.ts";
import { AUDIT, DISPUTE, EPOCH, receiptsById } from "./receipt-routes.ts";

/** Rows of one statement that are told at once; a chain that is caught up with has more, which nobody needs as news. */
const MOST_NEWS = 200;

/** What is told when a batch of blocks is stored: the events that it comes with, and the rows, from `$1` to `$2`. */
const NEWS = [
  {
    event: "channel",
    names: ["ChannelOpened"],
    sql: `SELECT ${CHANNEL} FROM channels c WHERE c.opened_block BETWEEN $1 AND $2`,
  },
  {
    event: "settlement",
    names: ["Claimed"],
    sql: `SELECT e.args->>'channelId' AS "channelId", c.receiver AS provider, e.args->>'amount' AS amount, e.tx, ${AT("e.block")} AS at
      FROM events e LEFT JOIN channels c ON c.id = e.args->>'channelId'
      WHERE e.name = 'Claimed' AND e.contract = 'channels' AND e.block BETWEEN $1 AND $2 ORDER BY e.block, e.log_index`,
  },
  { event: "epoch", names: ["RootPosted"], sql: `SELECT ${EPOCH} FROM epochs p WHERE p.block BETWEEN $1 AND $2` },
  {
    event: "audit",
    names: ["Attested"],
    sql: `SELECT ${AUDIT} FROM audits a WHERE a.block BETWEEN $1 AND $2 ORDER BY a.block, a.log_index`,
  },
  {
    event: "dispute",
    names: ["DisputeOpened", "RecordDisputeOpened", "Finalised"],
    sql: `SELECT ${DISPUTE} FROM disputes d WHERE d.opened_block BETWEEN $1 AND $2 OR d.closed_block BETWEEN $1 AND $2`,
  },
] as const;

/** Tells the hub's readers of what was stored, as the lists show it. */
export interface Announcements {
  blocks(from: bigint, to: bigint, names: ReadonlySet<string>): void;
  receipts(ids: readonly string[]): void;
  offer(offer: Offer): void;
}

export function createAnnouncements(db: Database, hub: EventHub, log: Log): Announcements {
  // One after the other, so that readers get things in the order in which they were stored.
  let last: Promise<void> = Promise.resolve();
  const inOrder = (work: () => Promise<void>) => {
    last = last.then(work).catch((error: unknown) => log("warn", `not told to readers: ${errorMessage(error)}`));
  };
  return {
    blocks(from, to, names) {
      inOrder(async () => {
        const [block] = await db.query("SELECT number AS block, at FROM blocks WHERE number = $1", [to.toString()]);
        hub.publish("block", block ?? { block: Number(to), at: null });
        for (const { event, names: wanted, sql } of NEWS) {
          if (wanted.some((name) => names.has(name))) {
            for (const row of await db.query(`${sql} LIMIT ${MOST_NEWS}`, [from.toString(), to.toString()])) {
              hub.publish(event, row);
            }
          }
        }
      });
    },
    receipts(ids) {
      inOrder(async () => {
        for (const row of await receiptsById({ db }, ids.slice(-MOST_NEWS))) {
          hub.publish("receipt", row);
        }
      });
    },
    offer({ provider, model }) {
      hub.publish("offer", { provider, model, online: true });
    },
  };
}
