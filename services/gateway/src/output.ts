import type { Answer } from "@depinfer/client";
import {
  type Endpoint,
  type Hex,
  levelOfAnswer,
  type Offer,
  type ParsedBody,
  type ProofLevel,
} from "@depinfer/protocol";
import { describeError } from "./http-error.ts";
import { completeBody, createChunkWriter, finishReason, type ResponseIdentity } from "./openai-response.ts";
import type { Reply } from "./reply.ts";
import { tensorOutput } from "./tensor-output.ts";

/** What of an offer shows in an answer. */
export type Origin = Pick<Offer, "provider" | "classId" | "proofLevel">;
/** What of an answer shows in its response. */
export type Finished = Omit<Answer, "offer" | "cost"> & { readonly offer: Origin };

/** Turns an answer into the response of an endpoint, piece by piece. */
export interface Output {
  accept(requestId: Hex, offer: Origin): void;
  text(piece: string): Promise<void> | undefined;
  finish(answer: Finished): Promise<void>;
  /** Ends a response that has begun with an error frame. False when nothing was sent yet, and the status is still free. */
  fail(error: unknown): boolean;
}

/** @param created when the answer was begun, as a Unix second. */
export function outputOf(endpoint: Endpoint, parsed: ParsedBody, reply: Reply, created: number): Output {
  if (endpoint === "infer") {
    return tensorOutput(parsed, reply, created);
  }
  return parsed.stream ? streamed(endpoint, parsed, reply, created) : buffered(endpoint, parsed, reply, created);
}

/** @param level of this answer, which may be lower than the offer's. */
export function answerHeaders(
  requestId: Hex,
  { provider }: Origin,
  level: ProofLevel,
): Readonly<Record<string, string>> {
  return {
    "x-depinfer-receipt": requestId,
    "x-depinfer-provider": provider,
    "x-depinfer-proof-level": level,
    "x-request-id": requestId,
  };
}

function identify(
  endpoint: "chat" | "completion",
  requestId: Hex,
  model: string,
  { classId }: Origin,
  created: number,
): ResponseIdentity {
  return {
    endpoint,
    id: `${endpoint === "chat" ? "chatcmpl" : "cmpl"}-${requestId.slice(2, 34)}`,
    created,
    model,
    fingerprint: `fp_${classId.slice(2, 14)}`,
  };
}

function levelOf({ proofLevel }: Origin, { generation }: ParsedBody): ProofLevel {
  return levelOfAnswer(proofLevel, generation.temperature);
}

function buffered(endpoint: "chat" | "completion", parsed: ParsedBody, reply: Reply, created: number): Output {
  let text = "";
  return {
    accept: () => undefined,
    text(piece) {
      text += piece;
      return undefined;
    },
    async finish(answer) {
      const { requestId, offer } = answer;
      reply.begin({
        status: 200,
        headers: { ...answerHeaders(requestId, offer, levelOf(offer, parsed)), "content-type": "application/json" },
      });
      const identity = identify(endpoint, requestId, parsed.model, offer, created);
      await reply.end(JSON.stringify(completeBody(identity, text, answer)));
    },
    fail: () => false,
  };
}

function streamed(endpoint: "chat" | "completion", parsed: ParsedBody, reply: Reply, created: number): Output {
  let taken: { requestId: Hex; offer: Origin } | null = null;
  let chunks: ReturnType<typeof createChunkWriter> | null = null;

  /** Headers wait for the first text: until then another provider may take over, under another receipt. */
  function begin(requestId: Hex, offer: Origin): ReturnType<typeof createChunkWriter> {
    if (chunks === null) {
      chunks = createChunkWriter(identify(endpoint, requestId, parsed.model, offer, created));
      reply.begin({
        status: 200,
        headers: {
          ...answerHeaders(requestId, offer, levelOf(offer, parsed)),
          "content-type": "text/event-stream; charset=utf-8",
          "cache-control": "no-cache",
          "x-accel-buffering": "no",
        },
      });
      reply.write(chunks.opening());
    }
    return chunks;
  }

  return {
    accept(requestId, offer) {
      taken = { requestId, offer };
    },
    text(piece) {
      return taken === null || reply.closed ? undefined : reply.write(begin(taken.requestId, taken.offer).text(piece));
    },
    async finish(answer) {
      const writer = begin(answer.requestId, answer.offer);
      reply.write(writer.finish(finishReason(answer.stopReason)));
      if (parsed.includeUsage) {
        reply.write(writer.usage(answer));
      }
      await reply.end(writer.done);
    },
    fail(error) {
      if (!reply.begun) {
        return false;
      }
      // No [DONE]: client libraries raise on the error frame, and a cut stream must not look like a whole answer.
      reply.breakOff(`data: ${JSON.stringify(describeError(error).body)}\n\n`);
      return true;
    },
  };
}
