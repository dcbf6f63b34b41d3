import type { IncomingMessage, ServerResponse } from "node:http";
import type { Buyer } from "@depinfer/client";
import { DepinferError, formatUsd } from "@depinfer/protocol";
import { type Asked, type AskedOptions, type Entrance, readAsked } from "./asked.ts";
import { type Idempotency, idempotencyKey } from "./idempotency.ts";
import type { ApiKey } from "./keys.ts";
import type { PassDesk, PassSeat } from "./passes.ts";
import { goneSignal, httpReply, keptReply, type Reply, sendWhole, withHeaders } from "./reply.ts";
import { recoverAnswer, type ServeHooks, serve } from "./serve.ts";

export interface CompleteModules {
  readonly buyer: Buyer;
  readonly idempotency: Idempotency;
  /** Lets passes pay; without it a key with a pass is refused. */
  readonly passes?: PassDesk;
}

/**
 * Answers `POST /v1/chat/completions`, `/v1/completions` and `/v1/infer` for the holder of a key. A client that goes away
 * stops the work, and what it was sent until then is what is paid. With an idempotency key the work goes on instead, and
 * the answer waits for the client's second try.
 */
export async function complete(
  entrance: Entrance,
  modules: CompleteModules,
  key: ApiKey,
  request: IncomingMessage,
  response: ServerResponse,
  options: AskedOptions,
): Promise<void> {
  const { buyer, idempotency } = modules;
  const idempotent = idempotencyKey(request.headers["idempotency-key"]);
  const asked = await readAsked(entrance, request, options);
  if (idempotent === null) {
    await buy(modules, asked, key, httpReply(response), goneSignal(response));
    return;
  }
  const begun = await idempotency.begin(key.name, idempotent, asked.hash, (id) => recoverAnswer(buyer, asked, id));
  if ("replay" in begun) {
    await sendWhole(response, begun.replay);
    return;
  }
  const { first } = begun;
  try {
    const reply = keptReply(httpReply(response), first.keep);
    const served = await buy(modules, asked, key, reply, new AbortController().signal, first.bought);
    if ("error" in served) {
      await first.release();
    }
  } catch (error) {
    await first.release();
    throw error;
  }
}

/** Buys an answer with the money of the key's pass, or with the gateway's within the key's budget. */
export async function buy(
  { buyer, passes }: CompleteModules,
  asked: Asked,
  key: ApiKey,
  reply: Reply,
  signal: AbortSignal,
  onBought?: ServeHooks["onBought"],
): ReturnType<typeof serve> {
  checkBudget(buyer, key);
  const customer = { account: key.name, budget: key.budget };
  if (key.pass === null) {
    return serve(buyer, asked, customer, reply, signal, onBought === undefined ? {} : { onBought });
  }
  if (passes === undefined) {
    throw noPasses(key.pass);
  }
  const seat: PassSeat = await passes.enter(key.pass, asked);
  try {
    const counted = withHeaders(reply, () => ({ "x-depinfer-pass-remaining": seat.remaining().toString() }));
    return await serve(buyer, asked, { ...customer, pass: seat.pass }, counted, signal, {
      onBought(requestId, promptTokens) {
        seat.bought(requestId);
        onBought?.(requestId, promptTokens);
      },
      // Before the last piece, so that the next request finds it counted.
      onAnswer: ({ usage }) => seat.leave(usage),
    });
  } finally {
    await seat.leave();
  }
}

function noPasses(pass: bigint): DepinferError {
  return new DepinferError({
    code: "pass.notOurs",
    message: `This gateway cannot spend pass ${pass}: it knows no passes`,
    remedy: "Unbind the pass from the key, or use a gateway of a network with passes",
    metadata: { pass: pass.toString() },
  });
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
