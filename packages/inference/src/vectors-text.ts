import { canonicalJson, DepinferError } from "@depinfer/protocol";
import { z } from "zod";

/*
 * Vectors as the text of an answer: canonical JSON with one base64 of little-endian f32 for each input. The receipt's text
 * hash binds every bit of it.
 */

const vectorsSchema = z.strictObject({ vectors: z.array(z.base64().max(1_000_000)).min(1).max(2_048) });

export function vectorsText(vectors: readonly Float32Array[]): string {
  return canonicalJson({ vectors: vectors.map((vector) => littleEndian(vector).toString("base64")) });
}

/**
 * The vectors in the text of an answer.
 *
 * @throws DepinferError `answer.malformed` for another text.
 */
export function parseVectorsText(text: string): Float32Array[] {
  const parsed = vectorsSchema.safeParse(tryJson(text));
  const buffers = parsed.success ? parsed.data.vectors.map((vector) => Buffer.from(vector, "base64")) : [];
  if (buffers.length === 0 || buffers.some(({ length }) => length % 4 !== 0)) {
    throw new DepinferError({
      code: "answer.malformed",
      message: "The answer holds no vectors",
      remedy: "Use another provider",
      retryable: true,
    });
  }
  return buffers.map((bytes) =>
    Float32Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(4 * index)),
  );
}

function littleEndian(vector: Float32Array): Buffer {
  const bytes = Buffer.alloc(4 * vector.length);
  for (const [index, value] of vector.entries()) {
    bytes.writeFloatLE(value, 4 * index);
  }
  return bytes;
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
