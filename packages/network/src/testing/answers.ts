import { FrameType } from "@depinfer/protocol";
import type { Exchange, ExchangeOutcome } from "../index.ts";

export interface Answer {
  /** All DATA put together. */
  readonly data: Buffer;
  /** Types of all frames, in order. */
  readonly types: readonly FrameType[];
  readonly outcome: ExchangeOutcome;
}

/** Everything that comes in on an exchange until it ends. */
export function answerOf(exchange: Exchange): Promise<Answer> {
  const parts: Uint8Array[] = [];
  const types: FrameType[] = [];
  return new Promise((resolve) => {
    exchange.onFrame((type, payload) => {
      types.push(type);
      if (type === FrameType.DATA) {
        parts.push(new Uint8Array(payload));
      }
    });
    exchange.onClose((outcome) => resolve({ data: Buffer.concat(parts), types, outcome }));
  });
}

/** How an exchange ended, in one word and its reason. */
export function describeOutcome(outcome: ExchangeOutcome): string {
  switch (outcome.kind) {
    case "ended":
      return "ended";
    case "cancelled":
      return `cancelled by ${outcome.by}: ${outcome.reason}`;
    case "failed":
      return `failed: ${outcome.error.code}`;
  }
}
