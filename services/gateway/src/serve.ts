import { type Answer, type Ask, type Buyer, type StoredRequest, textIsKept } from "@depinfer/client";
import { decodeRequest, type Hex, microUsd } from "@depinfer/protocol";
import type { Asked } from "./asked.ts";
import { totalUsage } from "./chat/usage.ts";
import type { Leftover } from "./idempotency.ts";
import { heldReply, type Reply } from "./reply.ts";

/** Who a request is for, and how it is paid. */
export type Customer = Pick<Ask, "account" | "budget" | "pass" | "onBegun">;

export interface ServeHooks {
  /** Told of a purchase before any of it is charged; of several where several answers were asked for. */
  readonly onBought?: (requestId: Hex, promptTokens: number) => void;
  /** Called with the whole answer before its last piece is written. Usage and cost are of all choices together. */
  readonly onAnswer?: (answer: Answer) => Promise<void>;
}

/**
 * Buys the answers to a request and writes them to `reply`. Resolves with the answer, or with the error of one that broke
 * off after its first text, which the client has been told.
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
  const { endpoint, parsed, body, policy, audit, shape } = asked;
  const output = shape(parsed, reply, Math.floor(Date.now() / 1000));

  function ask(choice: number, until: AbortSignal): Promise<Answer> {
    return buyer.ask(
      {
        endpoint,
        body,
        maxTokens: parsed.generation.maxTokens,
        policy,
        audit,
        ...(choice === 0 ? {} : { choice }),
        ...customer,
      },
      {
        onAccept({ requestId, offer, accept }) {
          hooks.onBought?.(requestId, accept.promptTokens);
          output.accept(choice, { requestId, offer, prompt: accept });
        },
        onText: (text, _tokens, logprobs) => output.text(choice, text, logprobs),
      },
      until,
    );
  }

  try {
    const answers = parsed.n === 1 ? [await ask(0, signal)] : await allOrNone(parsed.n, ask, signal);
    const answer = together(answers);
    await hooks.onAnswer?.(answer);
    await output.finish(answers);
    return { answer };
  } catch (error) {
    if (!output.fail(error)) {
      throw error;
    }
    return { error };
  }
}

/** Asks for several choices at once. When one fails the others are stopped, and what they delivered is paid. */
async function allOrNone(
  n: number,
  ask: (choice: number, until: AbortSignal) => Promise<Answer>,
  signal: AbortSignal,
): Promise<readonly Answer[]> {
  const stop = new AbortController();
  const until = AbortSignal.any([signal, stop.signal]);
  const failures: unknown[] = [];
  const asks = Array.from({ length: n }, async (_, choice) => {
    try {
      return await ask(choice, until);
    } catch (error) {
      failures.push(error);
      stop.abort();
      throw error;
    }
  });
  const settled = await Promise.allSettled(asks);
  if (failures.length > 0) {
    throw failures[0];
  }
  return settled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
}

function together(answers: readonly Answer[]): Answer {
  const [first] = answers;
  if (first === undefined) {
    throw new Error("a request has at least one answer");
  }
  return answers.length === 1
    ? first
    : {
        ...first,
        usage: totalUsage(answers),
        cost: microUsd(answers.reduce((sum, { cost }) => sum + cost, 0n)),
        receipts: answers.flatMap(({ receipts }) => receipts),
      };
}

/** The answer to a request that was bought and never sent, because the gateway was stopped in between. */
export async function recoverAnswer(buyer: Buyer, asked: Asked, requestId: Hex): Promise<Leftover> {
  const stored = buyer.request(requestId);
  // One of several choices is no answer, and log-probabilities are not kept.
  const whole = asked.parsed.n === 1 && asked.parsed.generation.logprobs === null;
  if (stored === undefined || stored.state === "failed") {
    return "free";
  }
  const left = !whole
    ? "free"
    : stored.state === "done" || stored.state === "disputed"
      ? await replyOf(stored, asked)
      : "unsettled";
  if (left === "free") {
    // It is bought again, and the app has never seen this one.
    await buyer.absorb(requestId);
  }
  return left;
}

/** Whether a purchase holds a whole answer: a part must not look like the whole. */
export function isWhole(stored: StoredRequest): boolean {
  const kept = textIsKept(stored) && stored.signed?.receipt.stopReason !== "cancelled";
  return kept && decodeRequest(stored.request).terms.resume === undefined;
}

async function replyOf(stored: StoredRequest, { parsed, shape }: Asked): Promise<Leftover> {
  const { signed, text } = stored;
  if (signed === null) {
    return "unsettled";
  }
  if (!isWhole(stored)) {
    return "free";
  }
  const { provider, classId, proofLevel, stopReason, promptTokens, cachedTokens, outputTokens } = signed.receipt;
  const offer = { provider, classId, proofLevel };
  const { reply, whole } = heldReply();
  const output = shape(parsed, reply, Math.floor(stored.startedAt / 1000));
  const usage = { promptTokens, cachedTokens, outputTokens };
  output.accept(0, { requestId: stored.id, offer, prompt: usage });
  output.text(0, text);
  await output.finish([{ requestId: stored.id, offer, stopReason, usage }]);
  return whole() ?? "free";
}
