import type { IncomingMessage, ServerResponse } from "node:http";
import type { Answer, Buyer } from "@depinfer/client";
import {
  AUDIT_FLAGS,
  type AuditFlag,
  addressSchema,
  DepinferError,
  type Endpoint,
  formatUsd,
  type Hex,
  levelOfAnswer,
  type MinimumLevel,
  type Offer,
  type ParsedBody,
  type ProofLevel,
  parseBody,
  parseMinimumLevel,
  strictestLevel,
} from "@depinfer/protocol";
import { describeError, sendJson } from "./http-error.ts";
import { readBody } from "./http-guard.ts";
import type { ApiKey } from "./keys.ts";
import { completeBody, createChunkWriter, finishReason, type ResponseIdentity } from "./openai-response.ts";
import { tensorOutput } from "./tensor-output.ts";

export interface CompleteOptions {
  readonly bodyLimit: number;
  /** What every answer has to be provable at least; requests may demand more, never less. */
  readonly minProofLevel: MinimumLevel;
  readonly allowSimulatedAttestation: boolean;
}

/**
 * Answers `POST /v1/chat/completions`, `/v1/completions` and `/v1/infer`. A client that goes away stops the work; what it was sent
 * until then is what is paid.
 */
export async function complete(
  endpoint: Endpoint,
  buyer: Buyer,
  key: ApiKey,
  request: IncomingMessage,
  response: ServerResponse,
  { bodyLimit, minProofLevel, allowSimulatedAttestation }: CompleteOptions,
): Promise<void> {
  const body = await readBody(request, bodyLimit);
  const parsed = parseBody(endpoint, body);
  const wantedLevel = strictestLevel([minProofLevel, levelHeader(request), parsed.minProofLevel]);
  const audit = auditHeader(request);
  checkBudget(buyer, key);
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  const output = outputOf(endpoint, parsed, response);
  const answer = await buyer
    .ask(
      {
        endpoint,
        body,
        maxTokens: parsed.generation.maxTokens,
        policy: {
          model: parsed.model,
          providers: wantedProviders(request),
          minProofLevel: wantedLevel,
          allowSimulatedAttestation,
          temperature: parsed.generation.temperature,
        },
        audit,
        account: key.name,
        budget: key.budget,
      },
      { onAccept: ({ requestId, offer }) => output.accept(requestId, offer), onText: output.text },
      gone.signal,
    )
    .catch((error: unknown) => {
      if (!output.fail(error)) {
        throw error;
      }
      return null;
    });
  if (answer !== null) {
    output.finish(answer);
  }
}

/** The level that the `x-depinfer-min-proof` header demands, or null. */
function levelHeader(request: IncomingMessage): MinimumLevel | null {
  const header = request.headers["x-depinfer-min-proof"];
  return header === undefined ? null : parseMinimumLevel(String(header), "x-depinfer-min-proof");
}

/** Who may see the request when the answer is audited: the `x-depinfer-audit` header, by default the drawn validator. */
function auditHeader(request: IncomingMessage): AuditFlag {
  const header = request.headers["x-depinfer-audit"] ?? "validator";
  const flag = AUDIT_FLAGS.find((known) => known === header);
  if (flag === undefined) {
    throw new DepinferError({
      code: "request.invalid",
      message: `x-depinfer-audit is ${JSON.stringify(header)}`,
      remedy: `Say who may see the request when its answer is audited: ${AUDIT_FLAGS.join(", ")}`,
      metadata: { param: "x-depinfer-audit" },
    });
  }
  return flag;
}

/** Accounts in the `x-depinfer-provider` header, separated by commas: nobody else may answer. */
function wantedProviders(request: IncomingMessage): Hex[] {
  const wanted = request.headers["x-depinfer-provider"];
  const accounts = typeof wanted === "string" ? wanted.split(",").map((account) => account.trim()) : [];
  return accounts.map((account) => {
    const parsed = addressSchema.safeParse(account);
    if (!parsed.success) {
      throw new DepinferError({
        code: "request.invalid",
        message: `x-depinfer-provider holds ${JSON.stringify(account)}, which is not an account`,
        remedy: "Name accounts as 0x and 40 hexadecimal digits, as /v1/offers shows them",
        metadata: { param: "x-depinfer-provider" },
      });
    }
    return parsed.data;
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

/** Where an answer goes. */
export interface Output {
  accept(requestId: Hex, offer: Offer): void;
  text(piece: string): Promise<void> | undefined;
  finish(answer: Answer): void;
  /** Ends a response that has begun with an error frame. False when nothing was sent yet, and the status is still free. */
  fail(error: unknown): boolean;
}

function outputOf(endpoint: Endpoint, parsed: ParsedBody, response: ServerResponse): Output {
  if (endpoint === "infer") {
    return tensorOutput(parsed, response);
  }
  return parsed.stream ? streamed(endpoint, parsed, response) : buffered(endpoint, parsed, response);
}

/** Resolves when the client has caught up, or has gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    function end(): void {
      response.removeListener("drain", end);
      response.removeListener("close", end);
      resolve();
    }
    response.once("drain", end);
    response.once("close", end);
  });
}

function identify(endpoint: "chat" | "completion", requestId: Hex, model: string, offer: Offer): ResponseIdentity {
  return {
    endpoint,
    id: `${endpoint === "chat" ? "chatcmpl" : "cmpl"}-${requestId.slice(2, 34)}`,
    created: Math.floor(Date.now() / 1000),
    model,
    fingerprint: `fp_${offer.classId.slice(2, 14)}`,
  };
}

/** @param level of this answer, which may be lower than the offer's. */
export function answerHeaders(
  requestId: Hex,
  { provider }: Offer,
  level: ProofLevel,
): Readonly<Record<string, string>> {
  return {
    "x-depinfer-receipt": requestId,
    "x-depinfer-provider": provider,
    "x-depinfer-proof-level": level,
    "x-request-id": requestId,
  };
}

function levelOf({ proofLevel }: Offer, { generation }: ParsedBody): ProofLevel {
  return levelOfAnswer(proofLevel, generation.temperature);
}

function buffered(endpoint: "chat" | "completion", parsed: ParsedBody, response: ServerResponse): Output {
  let text = "";
  return {
    accept: () => undefined,
    text(piece) {
      text += piece;
      return undefined;
    },
    finish(answer) {
      const { requestId, offer } = answer;
      sendJson(
        response,
        200,
        completeBody(identify(endpoint, requestId, parsed.model, offer), text, answer),
        answerHeaders(requestId, offer, levelOf(offer, parsed)),
      );
    },
    fail: () => false,
  };
}

function streamed(endpoint: "chat" | "completion", parsed: ParsedBody, response: ServerResponse): Output {
  let taken: { requestId: Hex; offer: Offer } | null = null;
  let chunks: ReturnType<typeof createChunkWriter> | null = null;

  /** Headers wait for the first text: until then another provider may take over, under another receipt. */
  function begin(requestId: Hex, offer: Offer): ReturnType<typeof createChunkWriter> {
    if (chunks === null) {
      chunks = createChunkWriter(identify(endpoint, requestId, parsed.model, offer));
      response.writeHead(200, {
        ...answerHeaders(requestId, offer, levelOf(offer, parsed)),
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-cache",
        "x-accel-buffering": "no",
      });
      response.write(chunks.opening());
    }
    return chunks;
  }

  return {
    accept(requestId, offer) {
      taken = { requestId, offer };
    },
    text(piece) {
      if (taken === null || response.destroyed) {
        return undefined;
      }
      const accepted = response.write(begin(taken.requestId, taken.offer).text(piece));
      return accepted ? undefined : drained(response);
    },
    finish(answer) {
      if (response.destroyed) {
        return;
      }
      const writer = begin(answer.requestId, answer.offer);
      response.write(writer.finish(finishReason(answer.stopReason)));
      if (parsed.includeUsage) {
        response.write(writer.usage(answer));
      }
      response.end(writer.done);
    },
    fail(error) {
      if (chunks === null) {
        return false;
      }
      // No [DONE]: client libraries raise on the error frame, and a cut stream must not look like a whole answer.
      response.end(`data: ${JSON.stringify(describeError(error).body)}\n\n`);
      return true;
    },
  };
}
