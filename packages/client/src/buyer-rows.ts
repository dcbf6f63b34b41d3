import {
  bytesColumn,
  countColumn,
  hexColumn,
  moneyColumn,
  type Row,
  textColumn,
  tokensColumn,
} from "@depinfer/journal";
import {
  type ChannelConfig,
  channelConfigSchema,
  type Hex,
  type MicroUsd,
  type SignedReceipt,
  signedReceiptSchema,
  type Usage,
} from "@depinfer/protocol";

export type RequestState = "started" | "done" | "failed" | "broken" | "disputed";
/**
 * `opening` until the chain confirms it, `withdrawing` from the first word of an exit until its end, `closed` for ever.
 * Only an open channel pays for requests.
 */
export type BuyerChannelState = "opening" | "open" | "withdrawing" | "closed";

/** A channel as the buyer's journal knows it. */
export interface BuyerChannel {
  readonly id: Hex;
  readonly provider: Hex;
  readonly config: ChannelConfig;
  readonly state: BuyerChannelState;
  /** Units in escrow, as last confirmed. */
  readonly deposit: MicroUsd;
  /** Units of receipts that were accepted. */
  readonly owed: MicroUsd;
  /** Units that the provider claimed, as last confirmed. */
  readonly settled: MicroUsd;
  /** Unix second from which the rest can be had, or null while no exit is announced. */
  readonly withdrawAt: number | null;
  /** Whether the buyer wants the rest back. */
  readonly leaving: boolean;
  /** The pass that funds it, or null where the wallet does. */
  readonly pass: bigint | null;
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
  /** The pass that pays, or null. */
  readonly pass: bigint | null;
}

export interface FinishedRequest {
  readonly state: Exclude<RequestState, "started">;
  readonly cost: MicroUsd;
  /** Tokens that were paid. */
  readonly usage: Usage;
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
export interface StoredRequest extends StartedRequest, FinishedRequestParts {
  readonly state: RequestState;
}

type FinishedRequestParts = Omit<FinishedRequest, "state">;

export const NO_TOKENS: Usage = { promptTokens: 0, cachedTokens: 0, outputTokens: 0 };

const CHANNEL_STATES: readonly BuyerChannelState[] = ["opening", "open", "withdrawing", "closed"];
const REQUEST_STATES: readonly RequestState[] = ["started", "done", "failed", "broken", "disputed"];

/** @param configs configs that were parsed before, by channel: a config never changes, and is read for each request. */
export function toChannel(row: Row, configs: Map<Hex, ChannelConfig>): BuyerChannel {
  const id = hexColumn(row, "id");
  const config = configs.get(id) ?? channelConfigSchema.parse(JSON.parse(textColumn(row, "config")));
  configs.set(id, config);
  return {
    id,
    provider: hexColumn(row, "provider"),
    config,
    state: stateColumn(row, CHANNEL_STATES),
    deposit: moneyColumn(row, "deposit"),
    owed: moneyColumn(row, "owed"),
    settled: moneyColumn(row, "settled"),
    withdrawAt: row.withdraw_at === null ? null : countColumn(row, "withdraw_at"),
    leaving: countColumn(row, "leaving") === 1,
    pass: passColumn(row),
  };
}

export function toRequest(row: Row): StoredRequest {
  return {
    id: hexColumn(row, "id"),
    channelId: hexColumn(row, "channel_id"),
    provider: hexColumn(row, "provider"),
    peerId: textColumn(row, "peer_id"),
    model: textColumn(row, "model"),
    account: textColumn(row, "account"),
    state: stateColumn(row, REQUEST_STATES),
    reserved: moneyColumn(row, "reserved"),
    cost: moneyColumn(row, "cost"),
    usage: usageColumns(row),
    startedAt: countColumn(row, "started_at"),
    request: bytesColumn(row, "request"),
    pass: passColumn(row),
    providerNonce: row.provider_nonce === null ? null : hexColumn(row, "provider_nonce"),
    tokens: row.tokens === null ? [] : tokensColumn(row, "tokens"),
    text: row.text === null ? "" : textColumn(row, "text"),
    signed: row.receipt === null ? null : signedReceiptSchema.parse(JSON.parse(textColumn(row, "receipt"))),
    fault: row.fault === null ? null : textColumn(row, "fault"),
  };
}

export function usageColumns(row: Row): Usage {
  return {
    promptTokens: countColumn(row, "prompt_tokens"),
    cachedTokens: countColumn(row, "cached_tokens"),
    outputTokens: countColumn(row, "output_tokens"),
  };
}

/** Passes are numbered by the contract, from 1. */
export function passColumn(row: Row): bigint | null {
  return typeof row.pass === "bigint" ? row.pass : null;
}

function stateColumn<State extends string>(row: Row, known: readonly State[]): State {
  const state = known.find((one) => one === row.state);
  if (state === undefined) {
    throw new TypeError(`unknown state ${String(row.state)}`);
  }
  return state;
}
