import type { IncomingMessage, ServerResponse } from "node:http";
import type { Buyer } from "@depinfer/client";
import { DepinferError, type Endpoint, formatUsd } from "@depinfer/protocol";
import { type AskedOptions, readAsked } from "./asked.ts";
import { type Idempotency, idempotencyKey } from "./idempotency.ts";
import type { ApiKey } from "./keys.ts";
import { goneSignal, httpReply, keptReply, sendWhole } from "./reply.ts";
import { recoverAnswer, serve } from "./serve.ts";

export interface CompleteModules {
  readonly buyer: Buyer;
  readonly idempotency: Idempotency;
}

/**
 * Answers `POST /v1/chat/completions`, `/v1/completions` and `/v1/infer` for the holder of a key. A client that goes away
 * stops the work, and what it was sent until then is what is paid. With an idempotency key the work goes on instead, and
 * the answer waits for the client's second try.
 */
export async function complete(
  endpoint: Endpoint,
  { buyer, idempotency }: CompleteModules,
  key: ApiKey,
  request: IncomingMessage,
  response: ServerResponse,
  options: AskedOptions,
): Promise<void> {
  const idempotent = idempotencyKey(request.headers["idempotency-key"]);
  const asked = await readAsked(endpoint, request, options);
  const customer = { account: key.name, budget: key.budget };
  if (idempotent === null) {
    checkBudget(buyer, key);
    await serve(buyer, asked, customer, httpReply(response), goneSignal(response));
    return;
  }
  const begun = await idempotency.begin(key.name, idempotent, asked.hash, (id) => recoverAnswer(buyer, asked, id));
  if ("replay" in begun) {
    await sendWhole(response, begun.replay);
    return;
  }
  const { first } = begun;
  try {
    checkBudget(buyer, key);
    const reply = keptReply(httpReply(response), first.keep);
    const served = await serve(buyer, asked, customer, reply, new AbortController().signal, {
      onBought: first.bought,
    });
    if ("error" in served) {
      await first.release();
    }
  } catch (error) {
    await first.release();
    throw error;
  }
}

/** @throws DepinferError `budget.exhausted`. */
function checkBudget(buyer: Buyer, { name, budget }: ApiKey): void {
  if (budget !== null && buyer.spent(name) >= budget) {
    throw new DepinferError({
      code: "budget.exhausted",
      message: `The key of ${name} has used its budget of ${formatUsd(budget)}`,
      remedy: "Raise the key's budget or use another key",
      metadata: { account: name, budget: budget.toString() },
    });
  }
}
