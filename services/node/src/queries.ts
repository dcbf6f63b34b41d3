import type { Exchange, Link } from "@depinfer/network";
import {
  type ChannelReport,
  DepinferError,
  decodeMessage,
  type EpochReport,
  encodeMessage,
  FrameType,
  type Hex,
  type Query,
  querySchema,
  receiptToJson,
} from "@depinfer/protocol";
import type { Ledger } from "./ledger.ts";
import type { Payments } from "./payments.ts";
import { showTranscript, type TranscriptModules } from "./transcripts.ts";

export interface QueryModules extends TranscriptModules {
  readonly ledger: Ledger;
  readonly payments: Payments;
}

/** Answers one QUERY exchange. */
export async function answerQuery(modules: QueryModules, provider: Hex, exchange: Exchange, link: Link): Promise<void> {
  exchange.onFrame(() => undefined);
  const query = decodeMessage(querySchema, exchange.opening, "QUERY");
  const result = await resultOf(modules, provider, query, link);
  await modules.ledger.settled();
  exchange.send(FrameType.RESULT, encodeMessage(result));
  exchange.end();
}

async function resultOf(modules: QueryModules, provider: Hex, query: Query, link: Link): Promise<unknown> {
  const { ledger, payments } = modules;
  switch (query.method) {
    case "channel": {
      const channel = ledger.channel(query.channelId);
      if (channel === undefined) {
        throw notFound(`channel ${query.channelId}`);
      }
      await payments.refresh(channel.id);
      const { id, vouchered, owed } = channel;
      const unpaid = ledger.unpaid(id).map(receiptToJson);
      return { channelId: id, deposit: payments.deposit(id), vouchered, owed, unpaid } satisfies Record<
        keyof ChannelReport,
        unknown
      >;
    }
    case "epoch": {
      const receipts = ledger.epochReceipts(query.epoch).map(receiptToJson);
      return { provider, epoch: query.epoch, receipts } satisfies Record<keyof EpochReport, unknown>;
    }
    case "transcript": {
      const found = ledger.transcript(query.requestId);
      if (found === undefined) {
        throw notFound(`request ${query.requestId}`);
      }
      return showTranscript(modules, provider, found, link.peerId);
    }
  }
}

function notFound(what: string): DepinferError {
  return new DepinferError({
    code: "query.notFound",
    message: `This provider has no ${what}`,
    remedy: "Check the id and ask the provider that signed for it",
  });
}
