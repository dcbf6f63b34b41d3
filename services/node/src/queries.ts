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

export interface QueryModules {
  readonly ledger: Ledger;
  readonly payments: Payments;
  /** Whether a peer is a registered validator; decides who sees transcripts. */
  readonly isValidator: (peerId: string) => Promise<boolean>;
}

/** Answers one QUERY exchange. */
export async function answerQuery(modules: QueryModules, provider: Hex, exchange: Exchange, link: Link): Promise<void> {
  exchange.onFrame(() => undefined);
  const query = decodeMessage(querySchema, exchange.opening, "QUERY");
  const result = await resultOf(modules, provider, query, link);
  exchange.send(FrameType.RESULT, encodeMessage(result));
  exchange.end();
}

async function resultOf(
  { ledger, payments, isValidator }: QueryModules,
  provider: Hex,
  query: Query,
  link: Link,
): Promise<unknown> {
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
      const allowed =
        found.peerId === link.peerId ||
        found.audit === "public" ||
        (found.audit === "validator" && (await isValidator(link.peerId)));
      if (!allowed) {
        throw new DepinferError({
          code: "audit.notAllowed",
          message: `The buyer lets ${found.audit === "none" ? "nobody" : "registered validators only"} see request ${query.requestId}`,
          remedy: "Register as a validator, or audit another receipt",
        });
      }
      return found.transcript;
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
