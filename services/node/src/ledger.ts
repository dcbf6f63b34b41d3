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

export interface LedgerChannel {
  readonly id: Hex;
  readonly config: ChannelConfig;
  readonly vouchered: MicroUsd;
  readonly signature: Hex | null;
  readonly owed: MicroUsd;
  readonly settled: MicroUsd;
  /** True once the chain showed it closed; it never opens again, unless a reorganisation undoes that. */
  readonly closed: boolean;
}

/** What one payer did over all of its channels. */
export interface PayerTotals {
  readonly vouchered: bigint;
  /** Units that were delivered and not charged, because the payer cancelled and said that they had not arrived. */
  readonly forgiven: bigint;
}

export interface StoredAnswer {
  readonly signed: SignedReceipt;
  readonly peerId: string;
  readonly audit: string;
  readonly request: Uint8Array;
  readonly providerNonce: Hex;
  readonly tokens: readonly number[];
  readonly text: string;
  /** Units that were delivered and are not charged. */
  readonly forgiven: bigint;
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
  /** Channels that are not closed. */
  openChannels(): readonly LedgerChannel[];
  payer(account: Hex): PayerTotals;
  openChannel(id: Hex, config: ChannelConfig): Promise<void>;
  saveVoucher(id: Hex, voucher: SignedVoucher): Promise<void>;
  saveSettled(id: Hex, settled: bigint, closed: boolean): Promise<void>;
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
    openChannels: db.prepare("SELECT * FROM channels WHERE closed = 0"),
    payer: db.prepare(
      "SELECT coalesce(sum(vouchered), 0) AS vouchered, coalesce(sum(forgiven), 0) AS forgiven FROM channels WHERE payer = ?",
    ),
    openChannel: db.prepare("INSERT INTO channels (id, config, payer) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"),
    voucher: db.prepare("UPDATE channels SET vouchered = ?, signature = ? WHERE id = ? AND vouchered < ?"),
    settled: db.prepare("UPDATE channels SET settled = ?, closed = ? WHERE id = ?"),
    has: db.prepare("SELECT 1 FROM receipts WHERE request_id = ?"),
    owe: db.prepare("UPDATE channels SET owed = owed + ?, forgiven = forgiven + ? WHERE id = ? RETURNING owed"),
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

  // A config never changes, and a channel is read for every request.
  const configs = new Map<Hex, ChannelConfig>();
  const asChannel = (row: Row) => toChannel(row, configs);

  return {
    channel(id) {
      const row = sql.channel.get(id);
      return row === undefined ? undefined : asChannel(row);
    },
    channels: () => sql.channels.all().map(asChannel),
    openChannels: () => sql.openChannels.all().map(asChannel),
    payer(account) {
      const row = sql.payer.get(account) ?? {};
      return { vouchered: moneyColumn(row, "vouchered"), forgiven: moneyColumn(row, "forgiven") };
    },
    openChannel: (id, config) =>
      journal.record(() => {
        sql.openChannel.run(id, JSON.stringify(config), config.payer);
      }),
    saveVoucher: (id, { maxClaimableAmount, signature }) =>
      journal.record(() => {
        sql.voucher.run(maxClaimableAmount, signature, id, maxClaimableAmount);
      }),
    saveSettled: (id, settled, closed) =>
      journal.record(() => {
        sql.settled.run(settled, closed ? 1 : 0, id);
      }),
    hasAnswer: (requestId) => sql.has.get(requestId) !== undefined,
    saveAnswer: ({ signed, peerId, audit, request, providerNonce, tokens, text, forgiven }) =>
      journal.record(() => {
        const { receipt } = signed;
        const owed = sql.owe.get(receipt.cost, forgiven, receipt.channelId);
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

function toChannel(row: Row, configs: Map<Hex, ChannelConfig>): LedgerChannel {
  const id = hexColumn(row, "id");
  const config = configs.get(id) ?? channelConfigSchema.parse(JSON.parse(textColumn(row, "config")));
  configs.set(id, config);
  return {
    id,
    config,
    vouchered: moneyColumn(row, "vouchered"),
    signature: row.signature === null ? null : hexColumn(row, "signature"),
    owed: moneyColumn(row, "owed"),
    settled: moneyColumn(row, "settled"),
    closed: countColumn(row, "closed") === 1,
  };
}

function toReceipt(row: Row): SignedReceipt {
  return signedReceiptSchema.parse(JSON.parse(textColumn(row, "receipt")));
}
