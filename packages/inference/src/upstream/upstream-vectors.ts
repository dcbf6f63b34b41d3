import { DepinferError, type EmbeddingPrompt } from "@depinfer/protocol";
import type { Completion, OnDelta } from "../engine.ts";
import { vectorsText } from "../vectors-text.ts";
import { embeddingsSchema } from "./probe-features.ts";
import type { UpstreamApi } from "./upstream-api.ts";

/** Lets an upstream turn the inputs into vectors. */
export async function upstreamVectors(
  api: UpstreamApi,
  model: string,
  { inputs, dimensions }: EmbeddingPrompt,
  signal: AbortSignal | undefined,
  onDelta: OnDelta,
): Promise<Completion> {
  const body = { model, input: inputs, encoding_format: "float", ...(dimensions === null ? {} : { dimensions }) };
  const { data, usage } = await api.post("embeddings", body, embeddingsSchema, signal);
  const ordered = data.toSorted((a, b) => (a.index ?? 0) - (b.index ?? 0));
  if (ordered.length !== inputs.length) {
    throw new DepinferError({
      code: "upstream.malformed",
      message: `The upstream gave ${ordered.length} vectors for ${inputs.length} inputs`,
      remedy: "Check that it serves embeddings",
    });
  }
  const text = vectorsText(ordered.map(({ embedding }) => Float32Array.from(embedding)));
  await onDelta([], text);
  return { stopReason: "end", tokens: [], text, promptTokens: usage?.prompt_tokens ?? 0, outputTokens: 0 };
}
