import { hexColumn, type Journal, moneyColumn, type Row, textColumn, tokensBlob } from "@depinfer/journal";
import {
  type ChannelConfig,
  DepinferError,
  formatUsd,
  type Hex,
  type MicroUsd,
  microUsd,
  receiptToJson,
} from "@depinfer/protocol";
import {
  type BuyerChannel,
  type BuyerChannelState,
  type FinishedRequest,
  type StartedRequest,
  type StoredRequest,
  toChannel,
  toRequest,
} from "./buyer-rows.ts";
import { type StatementQuery, type StatementRow, statementReader } from "./statement.ts";

/** A channel as the chain showed it. */
export interface ConfirmedEscrow {
  readonly state: BuyerChannelState;
  readonly deposit: bigint;
  readonly settled: bigint;
  readonly withdrawAt: number | null;
}

/** Which requests are wanted. */
export interface RequestsOf {
  readonly account: string;
  /** The last one of the page before; from the newest on when it is missing. */
  readonly before?: Pick<StoredRequest, "startedAt" | "id">;
}

/** What an account has used. */
export interface AccountTotals {
  /** Units of answers that were paid. */
  readonly spent: MicroUsd;
  /** Units that its requests under way may still cost. */
  readonly reserved: MicroUsd;
}

/** The buyer's money on disk: what is in escrow, what was signed away, and for which answers. */
export interface BuyerLedger {
  /** Channels that can pay for requests, newest first. `pass` null means those of the wallet. */
  channelsOf(provider: Hex, pass: bigint | null): readonly BuyerChannel[];
  /** Every channel that may hold money of the buyer. */
  channels(): readonly BuyerChannel[];
  /** Channels that were closed, newest first. */
  closedChannels(limit: number): readonly BuyerChannel[];
  channel(id: Hex): BuyerChannel | undefined;
  /** Notes a channel before anything is sent to open it, so that it is never lost. */
  saveChannel(id: Hex, config: ChannelConfig, pass: bigint | null): Promise<void>;
  /** With a channel that is closed end its broken requests: no receipt of theirs can be paid any more. */
  saveEscrow(id: Hex, escrow: ConfirmedEscrow): Promise<void>;
  /** Notes that the rest of a channel is wanted back, before the exit is announced, or that it has come back. */
  saveLeaving(id: Hex, leaving: boolean): Promise<void>;
  /**
   * Writes down a request before it is sent. The budget is looked at in the same transaction, so that requests made at
   * once cannot pass it together.
   *
   * @throws DepinferError `budget.exhausted` when it may cost more than `budget` leaves.
   */
  start(request: StartedRequest, budget?: MicroUsd | null): Promise<void>;
  /**
   * Ends a request and adds what it costs to what its channel owes, in one transaction. One that is left `broken` may
   * cost something already, for the part that is signed for, and be ended again; its cost never falls.
   */
  finish(id: Hex, result: FinishedRequest): Promise<BuyerChannel>;
  /**
   * Takes a request off its account: what it costs, and may still cost, is this gateway's own. For answers that were lost
   * with a process and are bought again, so that nobody is charged twice.
   */
  absorb(id: Hex): Promise<void>;
  /** Requests that were under way when the process ended may still be paid; they are `broken` from now on. */
  recover(): Promise<void>;
  request(id: Hex): StoredRequest | undefined;
  /** Newest first; of one account only, where it is named. */
  requests(limit: number, of?: RequestsOf): readonly StoredRequest[];
  /** Requests of a channel for which the provider may still bring a receipt. */
  open(channelId: Hex): readonly StoredRequest[];
  /** Units that broken requests of a channel may still cost. */
  reservedOn(channelId: Hex): MicroUsd;
  /** Node that served the channel's last request. */
  peerOf(channelId: Hex): string | undefined;
  /** Whether the request still waits for its end. */
  isOpen(id: Hex): boolean;
  /** Looked up, not added up, however many requests there were. */
  account(name: string): AccountTotals;
  statement(query: StatementQuery): readonly StatementRow[];
  /** Resolves when everything that can be read now is on disk; wait for it before telling what was only read. */
  settled(): Promise<void>;
}

/** Whose answers that were lost with a process are. Keys have no colon in their names. */
export const LOST_ACCOUNT = "gateway:lost";

export function createBuyerLedger(journal: Journal): BuyerLedger {
  const { db } = journal;
  const sql = {
    channels: db.prepare("SELECT * FROM channels WHERE state != 'closed' OR leaving = 1 ORDER BY rowid"),
    closed: db.prepare("SELECT * FROM channels WHERE state = 'closed' AND leaving = 0 ORDER BY rowid DESC LIMIT ?"),
    usable: db.prepare(
      "SELECT * FROM channels WHERE provider = ? AND pass IS ? AND state = 'open' AND leaving = 0 ORDER BY rowid DESC",
    ),
    channel: db.prepare("SELECT * FROM channels WHERE id = ?"),
    insertChannel: db.prepare(
      "INSERT INTO channels (id, provider, config, deposit, pass) VALUES (?, ?, ?, 0, ?) ON CONFLICT DO NOTHING",
    ),
    escrow: db.prepare("UPDATE channels SET state = ?, deposit = ?, settled = ?, withdraw_at = ? WHERE id = ?"),
    leaving: db.prepare("UPDATE channels SET leaving = ? WHERE id = ?"),
    start: db.prepare(
      "INSERT INTO requests (id, channel_id, provider, peer_id, model, account, state, reserved, started_at, request, pass) VALUES (?, ?, ?, ?, ?, ?, 'started', ?, ?, ?, ?)",
    ),
    unfinished: db.prepare(
      "SELECT account, channel_id, cost, reserved FROM requests WHERE id = ? AND state IN ('started', 'broken')",
    ),
    finish: db.prepare(
      "UPDATE requests SET state = ?, cost = ?, reserved = ?, prompt_tokens = ?, cached_tokens = ?, output_tokens = ?, provider_nonce = ?, tokens = ?, text = ?, receipt = ?, fault = ? WHERE id = ?",
    ),
    broken: db.prepare("SELECT id, account, reserved FROM requests WHERE channel_id = ? AND state = 'broken'"),
    giveUp: db.prepare(
      "UPDATE requests SET state = iif(cost > 0, 'done', 'failed'), reserved = 0, fault = coalesce(fault || '; ', '') || 'its channel is closed' WHERE id = ?",
    ),
    recover: db.prepare("UPDATE requests SET state = 'broken' WHERE state = 'started'"),
    costs: db.prepare("SELECT account, cost, reserved FROM requests WHERE id = ?"),
    move: db.prepare("UPDATE requests SET account = ? WHERE id = ?"),
    owe: db.prepare("UPDATE channels SET owed = ? WHERE id = ?"),
    request: db.prepare("SELECT * FROM requests WHERE id = ?"),
    requests: db.prepare("SELECT * FROM requests ORDER BY started_at DESC LIMIT ?"),
    requestsOf: db.prepare(
      "SELECT * FROM requests WHERE account = ? AND (started_at, id) < (?, ?) ORDER BY started_at DESC, id DESC LIMIT ?",
    ),
    open: db.prepare(
      "SELECT * FROM requests WHERE channel_id = ? AND state IN ('started', 'broken') ORDER BY started_at",
    ),
    reservedOn: db.prepare(
      "SELECT coalesce(sum(reserved), 0) AS reserved FROM requests WHERE channel_id = ? AND state = 'broken'",
    ),
    peerOf: db.prepare("SELECT peer_id FROM requests WHERE channel_id = ? ORDER BY rowid DESC LIMIT 1"),
    isOpen: db.prepare("SELECT 1 FROM requests WHERE id = ? AND state IN ('started', 'broken')"),
    account: db.prepare("SELECT * FROM accounts WHERE name = ?"),
    use: db.prepare(
      "INSERT INTO accounts VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET spent = spent + excluded.spent, reserved = reserved + excluded.reserved",
    ),
  };
  const configs = new Map<Hex, ChannelConfig>();
  const statement = statementReader(journal);
  const asChannel = (row: Row) => toChannel(row, configs);

  function channel(id: Hex): BuyerChannel | undefined {
    const row = sql.channel.get(id);
    return row === undefined ? undefined : asChannel(row);
  }

  function account(name: string): AccountTotals {
    const row = sql.account.get(name);
    return row === undefined
      ? { spent: microUsd(0n), reserved: microUsd(0n) }
      : { spent: moneyColumn(row, "spent"), reserved: moneyColumn(row, "reserved") };
  }

  return {
    channelsOf: (provider, pass) => sql.usable.all(provider, pass).map(asChannel),
    channels: () => sql.channels.all().map(asChannel),
    closedChannels: (limit) => sql.closed.all(limit).map(asChannel),
    channel,
    saveChannel: (id, config, pass) =>
      journal.record(() => {
        sql.insertChannel.run(id, config.receiver, JSON.stringify(config), pass);
      }),
    saveEscrow: (id, { state, deposit, settled, withdrawAt }) =>
      journal.record(() => {
        sql.escrow.run(state, deposit, settled, withdrawAt, id);
        for (const row of state === "closed" ? sql.broken.all(id) : []) {
          sql.use.run(textColumn(row, "account"), 0n, -moneyColumn(row, "reserved"));
          sql.giveUp.run(hexColumn(row, "id"));
        }
      }),
    saveLeaving: (id, leaving) =>
      journal.record(() => {
        sql.leaving.run(leaving ? 1 : 0, id);
      }),
    start: ({ id, channelId, provider, peerId, model, account: name, reserved, startedAt, request, pass }, budget) =>
      journal.record(() => {
        const used = account(name);
        const total = used.spent + used.reserved;
        if (typeof budget === "bigint" && total + reserved > budget) {
          throw overBudget(name, budget, total, reserved);
        }
        sql.start.run(id, channelId, provider, peerId, model, name, reserved, startedAt, request, pass);
        sql.use.run(name, 0n, reserved);
      }),
    finish: (id, result) =>
      journal.record(() => {
        const before = sql.unfinished.get(id);
        const found = before === undefined ? undefined : channel(hexColumn(before, "channel_id"));
        if (before === undefined || found === undefined) {
          throw new Error(`request ${id} is not under way`);
        }
        const over = found.state === "closed" && result.state === "broken";
        const reserved = over ? microUsd(0n) : result.reserved;
        sql.finish.run(
          over ? (result.cost > 0n ? "done" : "failed") : result.state,
          result.cost,
          reserved,
          result.usage.promptTokens,
          result.usage.cachedTokens,
          result.usage.outputTokens,
          result.providerNonce,
          tokensBlob(result.tokens),
          result.text,
          result.signed === null ? null : JSON.stringify(receiptToJson(result.signed)),
          result.fault,
          id,
        );
        // A request that broke off may have been paid in part.
        const more = result.cost - moneyColumn(before, "cost");
        if (more < 0n) {
          throw new Error(
            `request ${id} cannot cost ${result.cost} units after ${moneyColumn(before, "cost")} were paid`,
          );
        }
        sql.use.run(textColumn(before, "account"), more, reserved - moneyColumn(before, "reserved"));
        if (more === 0n) {
          return found;
        }
        const owed = microUsd(found.owed + more);
        sql.owe.run(owed, found.id);
        return { ...found, owed };
      }),
    absorb: (id) =>
      journal.record(() => {
        const row = sql.costs.get(id);
        if (row === undefined || row.account === LOST_ACCOUNT) {
          return;
        }
        const [cost, reserved] = [moneyColumn(row, "cost"), moneyColumn(row, "reserved")];
        sql.move.run(LOST_ACCOUNT, id);
        sql.use.run(textColumn(row, "account"), -cost, -reserved);
        sql.use.run(LOST_ACCOUNT, cost, reserved);
      }),
    recover: () =>
      journal.record(() => {
        sql.recover.run();
      }),
    request(id) {
      const row = sql.request.get(id);
      return row === undefined ? undefined : toRequest(row);
    },
    requests: (limit, of) =>
      (of === undefined
        ? sql.requests.all(limit)
        : sql.requestsOf.all(of.account, of.before?.startedAt ?? Number.MAX_SAFE_INTEGER, of.before?.id ?? "", limit)
      ).map(toRequest),
    open: (channelId) => sql.open.all(channelId).map(toRequest),
    reservedOn: (channelId) => moneyColumn(sql.reservedOn.get(channelId) ?? {}, "reserved"),
    peerOf(channelId) {
      const row = sql.peerOf.get(channelId);
      return row === undefined ? undefined : textColumn(row, "peer_id");
    },
    isOpen: (id) => sql.isOpen.get(id) !== undefined,
    account,
    statement,
    settled: journal.settled,
  };
}

function overBudget(account: string, budget: bigint, spent: bigint, reserved: bigint): DepinferError {
  return new DepinferError({
    code: "budget.exhausted",
    message: `The key of ${account} has used ${formatUsd(spent)} of its budget of ${formatUsd(budget)}, and this request may cost ${formatUsd(reserved)}`,
    remedy: "Raise the key's budget, ask for fewer tokens with max_tokens, or use another key",
    metadata: { account, budget: budget.toString(), spent: spent.toString(), reserved: reserved.toString() },
  });
}
