import type { Answer, Ask, Buyer, StoredRequest } from "@depinfer/client";
import type { Hex } from "@depinfer/protocol";
import type { Asked } from "./asked.ts";
import type { Leftover } from "./idempotency.ts";
import { outputOf } from "./output.ts";
import { heldReply, type Reply } from "./reply.ts";

/** Who a request is for, and how it is paid. */
export type Customer = Pick<Ask, "account" | "budget" | "pass">;

export interface ServeHooks {
  /** Told of a purchase before any of it is charged. */
  readonly onBought?: (requestId: Hex, promptTokens: number) => void;
  /** Called with the whole answer before its last piece is written. */
  readonly onAnswer?: (answer: Answer) => Promise<void>;
}

/**
 * Buys an answer and writes it to `reply`. Resolves with the answer, or with the error of one that broke off after its
 * first text, which the client has been told.
 *
 * @throws what the buyer throws, as long as nothing was written.
 */
export async function serve(
  buyer: Buyer,
  asked: Asked,
  customer: Customer,
  reply: Reply,
  signal: AbortSignal,
  hooks: ServeHooks = {},
): Promise<{ readonly answer: Answer } | { readonly error: unknown }> {
  const { endpoint, parsed, body, policy, audit } = asked;
  const output = outputOf(endpoint, parsed, reply, Math.floor(Date.now() / 1000));
  try {
    const answer = await buyer.ask(
      { endpoint, body, maxTokens: parsed.generation.maxTokens, policy, audit, ...customer },
      {
        onAccept({ requestId, offer, accept }) {
          hooks.onBought?.(requestId, accept.promptTokens);
          output.accept(requestId, offer);
        },
        onText: output.text,
      },
      signal,
    );
    await hooks.onAnswer?.(answer);
    await output.finish(answer);
    return { answer };
  } catch (error) {
    if (!output.fail(error)) {
      throw error;
    }
    return { error };
  }
}

/** The answer to a request that was bought and never sent, because the gateway was stopped in between. */
export async function recoverAnswer(buyer: Buyer, asked: Asked, requestId: Hex): Promise<Leftover> {
  const stored = buyer.request(requestId);
  if (stored === undefined || stored.state === "failed") {
    return "free";
  }
  return stored.state === "done" || stored.state === "disputed" ? replyOf(stored, asked) : "unsettled";
}

async function replyOf(stored: StoredRequest, { endpoint, parsed }: Asked): Promise<Leftover> {
  const { signed, text } = stored;
  if (signed === null) {
    return "unsettled";
  }
  const { provider, classId, proofLevel, stopReason, promptTokens, cachedTokens, outputTokens } = signed.receipt;
  const offer = { provider, classId, proofLevel };
  const { reply, whole } = heldReply();
  const output = outputOf(endpoint, parsed, reply, Math.floor(stored.startedAt / 1000));
  output.accept(stored.id, offer);
  output.text(text);
  await output.finish({ requestId: stored.id, offer, stopReason, usage: { promptTokens, cachedTokens, outputTokens } });
  return whole() ?? "free";
}
