import type { IncomingMessage, ServerResponse } from "node:http";
import { type Answer, type Buyer, mostCost, serves } from "@depinfer/client";
import type { RecordSpan, SpanRecord } from "@depinfer/protocol";
import type { Admission, Wanted } from "./admission/admission.ts";
import { type Asked, type AskedOptions, type Entrance, readAsked } from "./asked.ts";
import { type Idempotency, idempotencyKey } from "./idempotency.ts";
import type { ApiKey } from "./keys.ts";
import type { Metrics } from "./metrics.ts";
import { noPasses } from "./pass-errors.ts";
import type { PassDesk, PassSeat } from "./passes.ts";
import { goneSignal, httpReply, keptReply, type Reply, sendWhole, toldWhenBegun, withHeaders } from "./reply.ts";
import { type Customer, recoverAnswer, serve } from "./serve.ts";

export interface CompleteModules {
  readonly buyer: Buyer;
  readonly admission: Admission;
  readonly idempotency: Idempotency;
  /** Lets passes pay; without it a key with a pass is refused. */
  readonly passes?: PassDesk;
  readonly metrics?: Metrics;
  /** Takes spans for traces. */
  readonly record?: RecordSpan;
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
  const begun = await idempotency.begin(key.name, idempotent, asked.hash, (id, purchase) =>
    recoverAnswer(purchase === undefined ? buyer : { ...buyer, request: () => purchase }, asked, id),
  );
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

/**
 * Buys an answer with the money of the key's pass, or with the gateway's within the key's budget. Whoever calls it more
 * than once for a request, or without one, is held to the key's rates each time.
 *
 * @throws DepinferError `limit.*` or `budget.exhausted`, or what the buyer says, as long as nothing was written.
 */
export async function buy(
  { buyer, passes, admission, metrics, record }: CompleteModules,
  asked: Asked,
  key: ApiKey,
  reply: Reply,
  signal: AbortSignal,
  onBegun?: Customer["onBegun"],
): ReturnType<typeof serve> {
  const startedAt = Date.now();
  const permit = await admission.enter(key, wantedOf(buyer, asked));
  let usedTokens: number | undefined;
  try {
    const timed =
      metrics === undefined ? reply : toldWhenBegun(reply, (ms) => metrics.firstToken(asked.endpoint, ms / 1_000));
    const limited = withHeaders(timed, () => permit.headers);
    const customer: Customer = {
      account: key.name,
      budget: permit.budget,
      ...(onBegun === undefined ? {} : { onBegun }),
    };
    const result =
      key.pass === null
        ? await serve(buyer, asked, customer, limited, signal)
        : await buyWithPass(key.pass, customer, limited);
    if ("answer" in result) {
      metrics?.answered(result.answer);
      record?.(spanOf(asked, result.answer, startedAt));
    }
    usedTokens = "answer" in result ? result.answer.usage.promptTokens + result.answer.usage.outputTokens : undefined;
    return result;
  } finally {
    await permit.leave(usedTokens);
  }

  async function buyWithPass(pass: bigint, customer: Customer, limited: Reply): ReturnType<typeof serve> {
    if (passes === undefined) {
      throw noPasses(pass);
    }
    const seat: PassSeat = await passes.enter(pass, asked, key.passHolder);
    try {
      const counted = withHeaders(limited, () => ({ "x-depinfer-pass-remaining": seat.remaining().toString() }));
      return await serve(buyer, asked, { ...customer, pass: seat.pass }, counted, signal, {
        onBought: (requestId) => seat.bought(requestId),
        // Before the last piece, so that the next request finds it counted.
        onAnswer: ({ usage }) => seat.leave(usage),
      });
    } finally {
      await seat.leave();
    }
  }
}

/** The span that contains those of all providers that were asked. */
function spanOf(
  { endpoint, parsed: { model, stream } }: Asked,
  { requestId, receipts, offer, usage, cost, stopReason }: Answer,
  startedAt: number,
): SpanRecord {
  return {
    requestId,
    name: `answer ${endpoint}`,
    kind: "server",
    root: true,
    startedAt,
    endedAt: Date.now(),
    attributes: {
      "gen_ai.request.model": model,
      "gen_ai.usage.input_tokens": usage.promptTokens,
      "gen_ai.usage.output_tokens": usage.outputTokens,
      "depinfer.stream": stream,
      "depinfer.provider": offer.provider,
      "depinfer.parts": receipts.length,
      "depinfer.cost_units": Number(cost),
      "depinfer.stop_reason": stopReason,
    },
  };
}

/** Output limit when the client names none; the buyer's. */
const DEFAULT_MAX_TOKENS = 512;
/** Bytes of a body that are a token, on average; the answer's usage corrects it. */
const BYTES_PER_TOKEN = 4;

function wantedOf(buyer: Buyer, { parsed, body }: Asked): Wanted {
  const maxTokens = parsed.generation.maxTokens ?? DEFAULT_MAX_TOKENS;
  const costs = buyer
    .offers()
    .filter((offer) => serves(offer, parsed.model))
    .map((offer) => mostCost(body, maxTokens, offer));
  return {
    // Each choice is bought by itself.
    tokens: parsed.n * (Math.ceil(body.length / BYTES_PER_TOKEN) + maxTokens),
    units: BigInt(parsed.n) * costs.reduce<bigint>((most, cost) => (cost > most ? cost : most), 0n),
  };
}
