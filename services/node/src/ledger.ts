import {
  bytesColumn,
  countColumn,
  hexColumn,
  type Journal,
  moneyColumn,
  type Row,
  textColumn,
  tokensBlob,
  tokensColumn,
} from "@depinfer/journal";
import {
  type ChannelConfig,
  channelConfigSchema,
  type Hex,
  type MicroUsd,
  receiptToJson,
  type SignedReceipt,
  type SignedVoucher,
  signedReceiptSchema,
  type Transcript,
} from "@depinfer/protocol";

/** Versions of the provider's journal, in order. */
export const PROVIDER_MIGRATIONS: readonly string[] = [
  `CREATE TABLE channels (
     id TEXT PRIMARY KEY,
     config TEXT NOT NULL,
     vouchered INTEGER NOT NULL DEFAULT 0,   -- units of the best voucher
     signature TEXT,                         -- of the best voucher
     owed INTEGER NOT NULL DEFAULT 0,        -- sum of the receipts
     settled INTEGER NOT NULL DEFAULT 0      -- units claimed on chain, as last seen
   ) STRICT;
   CREATE TABLE receipts (
     request_id TEXT PRIMARY KEY,
     channel_id TEXT NOT NULL REFERENCES channels (id),
     peer_id TEXT NOT NULL,                  -- who may see the transcript
     audit TEXT NOT NULL,
     receipt TEXT NOT NULL,
     cumulative INTEGER NOT NULL,            -- owed on the channel with this receipt
     epoch INTEGER,
     request BLOB NOT NULL,
     provider_nonce TEXT NOT NULL,
     tokens BLOB NOT NULL,                   -- little-endian u32
     text TEXT NOT NULL
   ) STRICT;
   CREATE INDEX receipts_by_epoch ON receipts (epoch);
   CREATE INDEX receipts_by_channel ON receipts (channel_id, cumulative);
   CREATE TABLE epochs (
     epoch INTEGER PRIMARY KEY,
     root TEXT NOT NULL,
     count INTEGER NOT NULL,
     cost INTEGER NOT NULL
   ) STRICT`,
];

export interface LedgerChannel {
  readonly id: Hex;
  readonly config: ChannelConfig;
  readonly vouchered: MicroUsd;
  readonly signature: Hex | null;
  readonly owed: MicroUsd;
  readonly settled: MicroUsd;
}

export interface StoredAnswer {
  readonly signed: SignedReceipt;
  readonly peerId: string;
  readonly audit: string;
  readonly request: Uint8Array;
  readonly providerNonce: Hex;
  readonly tokens: readonly number[];
  readonly text: string;
}

export interface StoredTranscript {
  readonly transcript: Transcript;
  readonly signed: SignedReceipt;
  /** Node that asked for the answer. */
  readonly peerId: string;
  readonly audit: string;
  /** Epoch under whose root the receipt is; null before it has one. */
  readonly epoch: number | null;
}

export interface Epoch {
  readonly epoch: number;
  readonly root: Hex;
  readonly count: number;
  readonly cost: MicroUsd;
}

/** What the provider is owed and can prove, on disk. Reads are synchronous; writes resolve when they are durable. */
export interface Ledger {
  channel(id: Hex): LedgerChannel | undefined;
  channels(): readonly LedgerChannel[];
  openChannel(id: Hex, config: ChannelConfig): Promise<void>;
  saveVoucher(id: Hex, voucher: SignedVoucher): Promise<void>;
  saveSettled(id: Hex, settled: bigint): Promise<void>;
  hasAnswer(requestId: Hex): boolean;
  saveAnswer(answer: StoredAnswer): Promise<void>;
  /**
   * Receipts among which are those that the best voucher does not cover, oldest first; none when it covers all. A voucher
   * is a sum and does not say for which receipts it is: the one that a buyer missed may be older than others it paid.
   */
  unpaid(id: Hex): readonly SignedReceipt[];
  transcript(requestId: Hex): StoredTranscript | undefined;
  /** Receipts of no epoch yet. */
  unposted(): readonly SignedReceipt[];
  /** Fixes the receipts of an epoch before its root is announced. */
  saveEpoch(epoch: Epoch, requestIds: readonly Hex[]): Promise<void>;
  epochs(): readonly Epoch[];
  epochReceipts(epoch: number): readonly SignedReceipt[];
  /** Resolves when everything that can be read now is on disk; wait for it before telling what was only read. */
  settled(): Promise<void>;
  totals(): { readonly receipts: number; readonly tokens: number };
}

export function createLedger(journal: Journal): Ledger {
  const { db } = journal;
  const sql = {
    channel: db.prepare("SELECT * FROM channels WHERE id = ?"),
    channels: db.prepare("SELECT * FROM channels"),
    openChannel: db.prepare("INSERT INTO channels (id, config) VALUES (?, ?) ON CONFLICT DO NOTHING"),
    voucher: db.prepare("UPDATE channels SET vouchered = ?, signature = ? WHERE id = ? AND vouchered < ?"),
    settled: db.prepare("UPDATE channels SET settled = ? WHERE id = ?"),
    has: db.prepare("SELECT 1 FROM receipts WHERE request_id = ?"),
    owe: db.prepare("UPDATE channels SET owed = owed + ? WHERE id = ? RETURNING owed"),
    answer: db.prepare(
      "INSERT INTO receipts (request_id, channel_id, peer_id, audit, receipt, cumulative, request, provider_nonce, tokens, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    ),
    unpaid: db.prepare(
      "SELECT receipt FROM (SELECT receipt, cumulative FROM receipts JOIN channels ON channels.id = channel_id WHERE channel_id = ? AND owed > vouchered ORDER BY cumulative DESC LIMIT 1000) ORDER BY cumulative",
    ),
    transcript: db.prepare("SELECT * FROM receipts WHERE request_id = ?"),
    unposted: db.prepare("SELECT receipt FROM receipts WHERE epoch IS NULL ORDER BY rowid"),
    assign: db.prepare("UPDATE receipts SET epoch = ? WHERE request_id = ? AND epoch IS NULL"),
    epoch: db.prepare("INSERT INTO epochs VALUES (?, ?, ?, ?)"),
    epochs: db.prepare("SELECT * FROM epochs ORDER BY epoch"),
    epochReceipts: db.prepare("SELECT receipt FROM receipts WHERE epoch = ? ORDER BY rowid"),
    totals: db.prepare("SELECT count(*) AS receipts, coalesce(sum(length(tokens)), 0) AS bytes FROM receipts"),
  };

  return {
    channel(id) {
      const row = sql.channel.get(id);
      return row === undefined ? undefined : toChannel(row);
    },
    channels: () => sql.channels.all().map(toChannel),
    openChannel: (id, config) =>
      journal.record(() => {
        sql.openChannel.run(id, JSON.stringify(config));
      }),
    saveVoucher: (id, { maxClaimableAmount, signature }) =>
      journal.record(() => {
        sql.voucher.run(maxClaimableAmount, signature, id, maxClaimableAmount);
      }),
    saveSettled: (id, settled) =>
      journal.record(() => {
        sql.settled.run(settled, id);
      }),
    hasAnswer: (requestId) => sql.has.get(requestId) !== undefined,
    saveAnswer: ({ signed, peerId, audit, request, providerNonce, tokens, text }) =>
      journal.record(() => {
        const { receipt } = signed;
        const owed = sql.owe.get(receipt.cost, receipt.channelId);
        sql.answer.run(
          receipt.requestId,
          receipt.channelId,
          peerId,
          audit,
          JSON.stringify(receiptToJson(signed)),
          owed === undefined ? receipt.cost : moneyColumn(owed, "owed"),
          request,
          providerNonce,
          tokensBlob(tokens),
          text,
        );
      }),
    unpaid: (id) => sql.unpaid.all(id).map(toReceipt),
    transcript(requestId) {
      const row = sql.transcript.get(requestId);
      return row === undefined
        ? undefined
        : {
            transcript: {
              request: Buffer.from(bytesColumn(row, "request")).toString("base64"),
              providerNonce: hexColumn(row, "provider_nonce"),
              outputTokens: tokensColumn(row, "tokens"),
              text: textColumn(row, "text"),
            },
            signed: toReceipt(row),
            peerId: textColumn(row, "peer_id"),
            audit: textColumn(row, "audit"),
            epoch: row.epoch === null ? null : countColumn(row, "epoch"),
          };
    },
    unposted: () => sql.unposted.all().map(toReceipt),
    saveEpoch: ({ epoch, root, count, cost }, requestIds) =>
      journal.record(() => {
        sql.epoch.run(epoch, root, count, cost);
        for (const id of requestIds) {
          sql.assign.run(epoch, id);
        }
      }),
    epochs: () =>
      sql.epochs.all().map((row) => ({
        epoch: countColumn(row, "epoch"),
        root: hexColumn(row, "root"),
        count: countColumn(row, "count"),
        cost: moneyColumn(row, "cost"),
      })),
    epochReceipts: (epoch) => sql.epochReceipts.all(epoch).map(toReceipt),
    settled: journal.settled,
    totals() {
      const row = sql.totals.get() ?? {};
      return { receipts: countColumn(row, "receipts"), tokens: countColumn(row, "bytes") / 4 };
    },
  };
}

function toChannel(row: Row): LedgerChannel {
  return {
    id: hexColumn(row, "id"),
    config: channelConfigSchema.parse(JSON.parse(textColumn(row, "config"))),
    vouchered: moneyColumn(row, "vouchered"),
    signature: row.signature === null ? null : hexColumn(row, "signature"),
    owed: moneyColumn(row, "owed"),
    settled: moneyColumn(row, "settled"),
  };
}

function toReceipt(row: Row): SignedReceipt {
  return signedReceiptSchema.parse(JSON.parse(textColumn(row, "receipt")));
}
