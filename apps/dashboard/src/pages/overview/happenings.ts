import { type Audit, indexerEvents, type ListedReceipt } from "@depinfer/protocol/api";
import type { z } from "zod";
import type { NetworkEvent } from "../../api/live.tsx";
import { usd } from "../../format/money.ts";
import { plural, shortId } from "../../format/number.ts";
import type { Tone } from "../../format/proof.ts";
import { verdictTone } from "../../format/proof.ts";

/** Something that happened, in words. */
export interface Happening {
  readonly key: number;
  readonly at: number;
  readonly kind: string;
  readonly tone: Tone;
  readonly text: string;
  readonly to: string;
}

/** Events that are told; blocks and renewed offers are too many to read. */
export const TOLD = ["receipt", "audit", "dispute", "settlement", "channel", "epoch"] as const;

/** When something was noticed, and what tells it from others in the list. */
type Noticed = Pick<NetworkEvent, "key" | "at">;

/** An event in words, or null for one that this page does not understand. */
export function happeningOf({ kind, key, at, data }: NetworkEvent): Happening | null {
  const noticed = { key, at };
  switch (kind) {
    case "receipt":
      return worded(indexerEvents.receipt, data, (row) => receiptHappening(row, noticed));
    case "audit":
      return worded(indexerEvents.audit, data, (row) => auditHappening(row, noticed));
    case "dispute":
      return worded(indexerEvents.dispute, data, ({ id, accused, outcome }) => ({
        ...noticed,
        kind,
        tone: "fail",
        text: `${shortId(accused)} is accused${outcome === null ? "" : `: ${outcome}`}`,
        to: `/explorer/dispute/${id}`,
      }));
    case "settlement":
      return worded(indexerEvents.settlement, data, ({ amount, provider, channelId }) => ({
        ...noticed,
        kind,
        tone: "money",
        text: `${provider === null ? "A provider" : shortId(provider)} claimed ${usd(amount)}`,
        to: `/explorer/channel/${channelId}`,
      }));
    case "channel":
      return worded(indexerEvents.channel, data, ({ id, payer, receiver, deposit }) => ({
        ...noticed,
        kind,
        tone: "money",
        text: `${shortId(payer)} locked ${usd(deposit)} for ${shortId(receiver)}`,
        to: `/explorer/channel/${id}`,
      }));
    case "epoch":
      return worded(indexerEvents.epoch, data, ({ provider, epoch, count }) => ({
        ...noticed,
        kind,
        tone: "plain",
        text: `${shortId(provider)} committed to ${plural(count, "receipt")}`,
        to: `/explorer/epoch/${provider}/${epoch}`,
      }));
    default:
      return null;
  }
}

function worded<Schema extends z.ZodType>(
  schema: Schema,
  data: unknown,
  words: (row: z.output<Schema>) => Happening,
): Happening | null {
  const parsed = schema.safeParse(data);
  return parsed.success ? words(parsed.data) : null;
}

export function receiptHappening({ id, model, receipt: { receipt } }: ListedReceipt, noticed: Noticed): Happening {
  const { outputTokens, cost, provider } = receipt;
  return {
    ...noticed,
    kind: "receipt",
    tone: "info",
    text: `${plural(outputTokens, "token")} of ${cut(model ?? "a model")} from ${shortId(provider)} for ${usd(cost)}`,
    to: `/explorer/receipt/${id}`,
  };
}

export function auditHappening({ verdict, validator, provider, receiptId }: Audit, noticed: Noticed): Happening {
  return {
    ...noticed,
    kind: "audit",
    tone: verdictTone(verdict),
    text: `${shortId(validator)} computed an answer of ${shortId(provider)} again: ${verdict}`,
    to: `/explorer/receipt/${receiptId}`,
  };
}

/** Names are their providers' choice. */
function cut(name: string): string {
  return name.length > 40 ? `${name.slice(0, 39)}…` : name;
}
