import type { Answer } from "@depinfer/client";
import {
  type Endpoint,
  type Hex,
  levelOfGeneration,
  type Offer,
  type ParsedBody,
  type PositionLogprobs,
  type ProofLevel,
  type Usage,
} from "@depinfer/protocol";
import { chatOutput } from "./chat/chat-output.ts";
import { embeddingOutput } from "./embeddings/embedding-output.ts";
import type { Reply } from "./reply.ts";
import { tensorOutput } from "./tensor-output.ts";

/** What of an offer shows in an answer. */
export type Origin = Pick<Offer, "provider" | "classId" | "proofLevel">;
/** What of an answer shows in its response. */
export type Finished = Omit<Answer, "offer" | "cost" | "receipts"> & { readonly offer: Origin };

/** A request as the provider took it. */
export interface Taken {
  readonly requestId: Hex;
  readonly offer: Origin;
  readonly prompt: Pick<Usage, "promptTokens" | "cachedTokens">;
}

/** Turns the answers to a request into the response of an endpoint, piece by piece. Choices are numbered from 0. */
export interface Output {
  /** A provider took the request. Nothing of it is told yet, since another may take over before the first text. */
  accept(choice: number, taken: Taken): void;
  /** Text as it arrives; log-probabilities of its tokens, which may come before their text, where they were asked for. */
  text(choice: number, piece: string, logprobs?: readonly PositionLogprobs[]): Promise<void> | undefined;
  /** Ends the response with every choice's end, in their order. */
  finish(answers: readonly Finished[]): Promise<void>;
  /** Ends a response that has begun with an error frame. False when nothing was sent yet, and the status is still free. */
  fail(error: unknown): boolean;
}

/** Makes an output. @param created when the answer was begun, as a Unix second. */
export type Shape = (parsed: ParsedBody, reply: Reply, created: number) => Output;

const SHAPES: Readonly<Record<Endpoint, Shape>> = {
  chat: (parsed, reply, created) => chatOutput("chat", parsed, reply, created),
  completion: (parsed, reply, created) => chatOutput("completion", parsed, reply, created),
  embedding: embeddingOutput,
  infer: tensorOutput,
};

/** The form that an endpoint of the market has at this gateway. */
export function shapeOf(endpoint: Endpoint): Shape {
  return SHAPES[endpoint];
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

/** The headers of an answer of text. */
export function textHeaders(requestId: Hex, offer: Origin, { generation }: ParsedBody) {
  return answerHeaders(requestId, offer, levelOfGeneration(offer.proofLevel, generation));
}
