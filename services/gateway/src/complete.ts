import type { IncomingMessage, ServerResponse } from "node:http";
import { type Buyer, mostCost } from "@depinfer/client";
import { DepinferError } from "@depinfer/protocol";
import type { Admission, Wanted } from "./admission/admission.ts";
import { type Asked, type AskedOptions, type Entrance, readAsked } from "./asked.ts";
import { type Idempotency, idempotencyKey } from "./idempotency.ts";
import type { ApiKey } from "./keys.ts";
import type { PassDesk, PassSeat } from "./passes.ts";
import { goneSignal, httpReply, keptReply, type Reply, sendWhole, withHeaders } from "./reply.ts";
import { type Customer, recoverAnswer, type ServeHooks, serve } from "./serve.ts";

export interface CompleteModules {
  readonly buyer: Buyer;
  readonly admission: Admission;
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
  { buyer, passes, admission }: CompleteModules,
  asked: Asked,
  key: ApiKey,
  reply: Reply,
  signal: AbortSignal,
  onBought?: ServeHooks["onBought"],
): ReturnType<typeof serve> {
  const permit = await admission.enter(key, wantedOf(buyer, asked));
  let usedTokens: number | undefined;
  try {
    const limited = withHeaders(reply, () => permit.headers);
    const customer = { account: key.name, budget: permit.budget };
    const result =
      key.pass === null
        ? await serve(buyer, asked, customer, limited, signal, onBought === undefined ? {} : { onBought })
        : await buyWithPass(key.pass, customer, limited);
    usedTokens = "answer" in result ? result.answer.usage.promptTokens + result.answer.usage.outputTokens : undefined;
    return result;
  } finally {
    await permit.leave(usedTokens);
  }

  async function buyWithPass(pass: bigint, customer: Customer, limited: Reply): ReturnType<typeof serve> {
    if (passes === undefined) {
      throw noPasses(pass);
    }
    const seat: PassSeat = await passes.enter(pass, asked);
    try {
      const counted = withHeaders(limited, () => ({ "x-depinfer-pass-remaining": seat.remaining().toString() }));
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
}

/** Output limit when the client names none; the buyer's. */
const DEFAULT_MAX_TOKENS = 512;
/** Bytes of a body that are a token, on average; the answer's usage corrects it. */
const BYTES_PER_TOKEN = 4;

function wantedOf(buyer: Buyer, { parsed, body }: Asked): Wanted {
  const maxTokens = parsed.generation.maxTokens ?? DEFAULT_MAX_TOKENS;
  const costs = buyer
    .offers()
    .filter(({ model }) => model === parsed.model)
    .map((offer) => mostCost(body, maxTokens, offer));
  return {
    tokens: Math.ceil(body.length / BYTES_PER_TOKEN) + maxTokens,
    units: costs.reduce<bigint>((most, cost) => (cost > most ? cost : most), 0n),
  };
}

function noPasses(pass: bigint): DepinferError {
  return new DepinferError({
    code: "pass.notOurs",
    message: `This gateway cannot spend pass ${pass}: it knows no passes`,
    remedy: "Unbind the pass from the key, or use a gateway of a network with passes",
    metadata: { pass: pass.toString() },
  });
}
