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
  DepinferError,
  formatUsd,
  type Hex,
  type MicroUsd,
  microUsd,
  receiptToJson,
  type SignedReceipt,
  signedReceiptSchema,
} from "@depinfer/protocol";

/** Versions of the buyer's journal, in order. */
export const BUYER_MIGRATIONS: readonly string[] = [
  `CREATE TABLE channels (
     id TEXT PRIMARY KEY,
     provider TEXT NOT NULL,
     config TEXT NOT NULL,
     deposit INTEGER NOT NULL,               -- units in escrow, as last confirmed
     owed INTEGER NOT NULL DEFAULT 0,        -- units of accepted receipts; vouchers say the same
     signature TEXT,                         -- of the voucher over owed
     open INTEGER NOT NULL DEFAULT 1
   ) STRICT;
   CREATE INDEX channels_by_provider ON channels (provider);
   CREATE TABLE requests (
     id TEXT PRIMARY KEY,
     channel_id TEXT NOT NULL REFERENCES channels (id),
     provider TEXT NOT NULL,
     peer_id TEXT NOT NULL,
     model TEXT NOT NULL,
     account TEXT NOT NULL,                  -- whose budget it is
     state TEXT NOT NULL,                    -- started, done, failed, broken, disputed
     reserved INTEGER NOT NULL,              -- most that may still be asked for it
     cost INTEGER NOT NULL DEFAULT 0,
     started_at INTEGER NOT NULL,
     request BLOB NOT NULL,
     provider_nonce TEXT,
     tokens BLOB,
     text TEXT,
     receipt TEXT,
     fault TEXT
   ) STRICT;
   CREATE INDEX requests_by_channel ON requests (channel_id, state);
   CREATE INDEX requests_by_account ON requests (account)`,
];

export type RequestState = "started" | "done" | "failed" | "broken" | "disputed";

export interface BuyerChannel {
  readonly id: Hex;
  readonly provider: Hex;
  readonly config: ChannelConfig;
  readonly deposit: MicroUsd;
  readonly owed: MicroUsd;
  /** Voucher over `owed`, or null before the first one. */
  readonly signature: Hex | null;
}

export interface StartedRequest {
  readonly id: Hex;
  readonly channelId: Hex;
  readonly provider: Hex;
  readonly peerId: string;
  readonly model: string;
  readonly account: string;
  readonly reserved: MicroUsd;
  readonly startedAt: number;
  /** The REQ payload. */
  readonly request: Uint8Array;
}

export interface FinishedRequest {
  readonly state: Exclude<RequestState, "started">;
  readonly cost: MicroUsd;
  readonly providerNonce: Hex | null;
  readonly tokens: readonly number[];
  readonly text: string;
  readonly signed: SignedReceipt | null;
  /** What was wrong, for states other than `done`. */
  readonly fault: string | null;
  /** Most that the provider may still ask for; 0 once nothing is open. */
  readonly reserved: MicroUsd;
}

/** A request as stored, for receipts, verification and statements. */
export interface StoredRequest extends StartedRequest {
  readonly state: RequestState;
  readonly cost: MicroUsd;
  readonly providerNonce: Hex | null;
  readonly tokens: readonly number[];
  readonly text: string;
  readonly signed: SignedReceipt | null;
  readonly fault: string | null;
}

/** Signs a voucher over a cumulative amount; called inside the transaction that makes the amount durable. */
export type SignVoucher = (config: ChannelConfig, amount: MicroUsd) => Hex;

/** The buyer's money on disk: what is in escrow, what was signed away, and for which answers. */
export interface BuyerLedger {
  channelsOf(provider: Hex): readonly BuyerChannel[];
  channels(): readonly BuyerChannel[];
  channel(id: Hex): BuyerChannel | undefined;
  saveChannel(id: Hex, provider: Hex, config: ChannelConfig, deposit: bigint): Promise<void>;
  saveDeposit(id: Hex, deposit: bigint, open: boolean): Promise<void>;
  /**
   * Writes down a request before it is sent. The budget is looked at in the same transaction, so that requests made at
   * once cannot pass it together.
   *
   * @throws DepinferError `budget.exhausted` when it may cost more than `budget` leaves.
   */
  start(request: StartedRequest, budget?: MicroUsd | null): Promise<void>;
  /** Ends a request and, when it costs something, signs the channel's next voucher in the same transaction. */
  finish(id: Hex, result: FinishedRequest, sign: SignVoucher): Promise<BuyerChannel>;
  request(id: Hex): StoredRequest | undefined;
  requests(limit: number): readonly StoredRequest[];
  /** Requests of a channel for which the provider may still bring a receipt. */
  open(channelId: Hex): readonly StoredRequest[];
  /** Node that served the channel's last request. */
  peerOf(channelId: Hex): string | undefined;
  /** Whether the request still waits for its end. */
  isOpen(id: Hex): boolean;
  /** Units spent by an account, including what is reserved for requests under way. */
  spent(account: string): MicroUsd;
}

export function createBuyerLedger(journal: Journal): BuyerLedger {
  const { db } = journal;
  const sql = {
    channels: db.prepare("SELECT * FROM channels WHERE open = 1"),
    byProvider: db.prepare("SELECT * FROM channels WHERE provider = ? AND open = 1 ORDER BY rowid DESC"),
    channel: db.prepare("SELECT * FROM channels WHERE id = ?"),
    insertChannel: db.prepare(
      "INSERT INTO channels (id, provider, config, deposit) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
    ),
    deposit: db.prepare("UPDATE channels SET deposit = ?, open = ? WHERE id = ?"),
    start: db.prepare(
      "INSERT INTO requests (id, channel_id, provider, peer_id, model, account, state, reserved, started_at, request) VALUES (?, ?, ?, ?, ?, ?, 'started', ?, ?, ?)",
    ),
    finish: db.prepare(
      "UPDATE requests SET state = ?, cost = ?, reserved = ?, provider_nonce = ?, tokens = ?, text = ?, receipt = ?, fault = ? WHERE id = ? AND state IN ('started', 'broken') RETURNING channel_id",
    ),
    voucher: db.prepare("UPDATE channels SET owed = ?, signature = ? WHERE id = ?"),
    request: db.prepare("SELECT * FROM requests WHERE id = ?"),
    requests: db.prepare("SELECT * FROM requests ORDER BY started_at DESC LIMIT ?"),
    open: db.prepare(
      "SELECT * FROM requests WHERE channel_id = ? AND state IN ('started', 'broken') ORDER BY started_at",
    ),
    peerOf: db.prepare("SELECT peer_id FROM requests WHERE channel_id = ? ORDER BY rowid DESC LIMIT 1"),
    isOpen: db.prepare("SELECT 1 FROM requests WHERE id = ? AND state IN ('started', 'broken')"),
    spent: db.prepare("SELECT coalesce(sum(cost + reserved), 0) AS spent FROM requests WHERE account = ?"),
  };

  function channel(id: Hex): BuyerChannel | undefined {
    const row = sql.channel.get(id);
    return row === undefined ? undefined : toChannel(row);
  }

  return {
    channelsOf: (provider) => sql.byProvider.all(provider).map(toChannel),
    channels: () => sql.channels.all().map(toChannel),
    channel,
    saveChannel: (id, provider, config, deposit) =>
      journal.record(() => {
        sql.insertChannel.run(id, provider, JSON.stringify(config), deposit);
      }),
    saveDeposit: (id, deposit, open) =>
      journal.record(() => {
        sql.deposit.run(deposit, open ? 1 : 0, id);
      }),
    start: ({ id, channelId, provider, peerId, model, account, reserved, startedAt, request }, budget = null) =>
      journal.record(() => {
        // The sum is read only where there is a limit: it grows with the account's history.
        const spent = budget === null ? null : moneyColumn(sql.spent.get(account) ?? {}, "spent");
        if (budget !== null && spent !== null && spent + reserved > budget) {
          throw overBudget(account, budget, spent, reserved);
        }
        sql.start.run(id, channelId, provider, peerId, model, account, reserved, startedAt, request);
      }),
    finish: (id, result, sign) =>
      journal.record(() => {
        const row = sql.finish.get(
          result.state,
          result.cost,
          result.reserved,
          result.providerNonce,
          tokensBlob(result.tokens),
          result.text,
          result.signed === null ? null : JSON.stringify(receiptToJson(result.signed)),
          result.fault,
          id,
        );
        const found = row === undefined ? undefined : channel(hexColumn(row, "channel_id"));
        if (found === undefined) {
          throw new Error(`request ${id} is not under way`);
        }
        if (result.cost === 0n) {
          return found;
        }
        const owed = microUsd(found.owed + result.cost);
        const signature = sign(found.config, owed);
        sql.voucher.run(owed, signature, found.id);
        return { ...found, owed, signature };
      }),
    request(id) {
      const row = sql.request.get(id);
      return row === undefined ? undefined : toRequest(row);
    },
    requests: (limit) => sql.requests.all(limit).map(toRequest),
    open: (channelId) => sql.open.all(channelId).map(toRequest),
    peerOf(channelId) {
      const row = sql.peerOf.get(channelId);
      return row === undefined ? undefined : textColumn(row, "peer_id");
    },
    isOpen: (id) => sql.isOpen.get(id) !== undefined,
    spent: (account) => moneyColumn(sql.spent.get(account) ?? {}, "spent"),
  };
}

function overBudget(account: string, budget: MicroUsd, spent: MicroUsd, reserved: MicroUsd): DepinferError {
  return new DepinferError({
    code: "budget.exhausted",
    message: `The key of ${account} has used ${formatUsd(spent)} of its budget of ${formatUsd(budget)}, and this request may cost ${formatUsd(reserved)}`,
    remedy: "Raise the key's budget, ask for fewer tokens with max_tokens, or use another key",
    metadata: { account, budget: budget.toString(), spent: spent.toString(), reserved: reserved.toString() },
  });
}

function toChannel(row: Row): BuyerChannel {
  return {
    id: hexColumn(row, "id"),
    provider: hexColumn(row, "provider"),
    config: channelConfigSchema.parse(JSON.parse(textColumn(row, "config"))),
    deposit: moneyColumn(row, "deposit"),
    owed: moneyColumn(row, "owed"),
    signature: row.signature === null ? null : hexColumn(row, "signature"),
  };
}

const STATES: readonly RequestState[] = ["started", "done", "failed", "broken", "disputed"];

function toRequest(row: Row): StoredRequest {
  const state = STATES.find((known) => known === row.state);
  if (state === undefined) {
    throw new TypeError(`unknown request state ${String(row.state)}`);
  }
  return {
    id: hexColumn(row, "id"),
    channelId: hexColumn(row, "channel_id"),
    provider: hexColumn(row, "provider"),
    peerId: textColumn(row, "peer_id"),
    model: textColumn(row, "model"),
    account: textColumn(row, "account"),
    state,
    reserved: moneyColumn(row, "reserved"),
    cost: moneyColumn(row, "cost"),
    startedAt: countColumn(row, "started_at"),
    request: bytesColumn(row, "request"),
    providerNonce: row.provider_nonce === null ? null : hexColumn(row, "provider_nonce"),
    tokens: row.tokens === null ? [] : tokensColumn(row, "tokens"),
    text: row.text === null ? "" : textColumn(row, "text"),
    signed: row.receipt === null ? null : signedReceiptSchema.parse(JSON.parse(textColumn(row, "receipt"))),
    fault: row.fault === null ? null : textColumn(row, "fault"),
  };
}
