import { DepinferError, type ParsedBody } from "@depinfer/protocol";
import { z } from "zod";
import { answerHeaders, type Output } from "../output.ts";
import type { Reply } from "../reply.ts";

/** What a provider answers: each vector as little-endian float32 numbers in base64. */
const vectorsSchema = z.strictObject({ vectors: z.array(z.base64().min(1)).min(1) });

/** The answer of `/v1/embeddings`. */
export function embeddingOutput(parsed: ParsedBody, reply: Reply): Output {
  let text = "";
  return {
    accept: () => undefined,
    text(_choice, piece) {
      text += piece;
      return undefined;
    },
    async finish([answer]) {
      if (answer === undefined) {
        return;
      }
      const { requestId, offer, usage } = answer;
      const vectors = vectorsOf(text);
      const tell = parsed.encoding === "base64" ? (vector: string) => vector : numbersOf;
      reply.begin({
        status: 200,
        headers: { ...answerHeaders(requestId, offer, offer.proofLevel), "content-type": "application/json" },
      });
      await reply.end(
        JSON.stringify({
          object: "list",
          data: vectors.map((vector, index) => ({ object: "embedding", index, embedding: tell(vector) })),
          model: parsed.model,
          usage: { prompt_tokens: usage.promptTokens, total_tokens: usage.promptTokens },
        }),
      );
    },
    fail: () => false,
  };
}

function vectorsOf(text: string): readonly string[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badVectors("is not JSON");
  }
  const parsed = vectorsSchema.safeParse(value);
  if (!parsed.success) {
    throw badVectors(parsed.error.issues[0]?.message ?? "has another form");
  }
  return parsed.data.vectors;
}

function numbersOf(vector: string): number[] {
  const bytes = Buffer.from(vector, "base64");
  if (bytes.length % 4 !== 0) {
    throw badVectors(`holds a vector of ${bytes.length} bytes`);
  }
  return Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(index * 4));
}

function badVectors(what: string): DepinferError {
  return new DepinferError({
    code: "embedding.badText",
    message: `The provider's answer ${what}`,
    remedy: "Ask again; another provider may be asked by its account in x-depinfer-provider",
    retryable: true,
  });
}
