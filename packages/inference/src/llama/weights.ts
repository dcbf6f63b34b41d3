import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { DepinferError, errorMessage, type Hex } from "@depinfer/protocol";

const GGUF_MAGIC = "GGUF";

/**
 * SHA-256 of a weight file, read in pieces.
 *
 * @throws DepinferError `model.missing` when it cannot be read, `model.corrupt` when it is not a GGUF file.
 */
export async function hashWeights(path: string): Promise<Hex> {
  await requireGguf(path);
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    hash.update(chunk);
  }
  return `0x${hash.digest("hex")}`;
}

async function requireGguf(path: string): Promise<void> {
  const magic = Buffer.alloc(4);
  try {
    const file = await open(path);
    try {
      await file.read(magic, 0, 4, 0);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new DepinferError({
      code: "model.missing",
      message: `The model file ${path} cannot be read: ${errorMessage(cause)}`,
      remedy: "Check the path given to --model, and that this user may read it",
      metadata: { path },
      cause,
    });
  }
  if (magic.toString("latin1") !== GGUF_MAGIC) {
    throw corruptModel(path, `it begins with ${JSON.stringify(magic.toString("latin1"))} instead of "GGUF"`);
  }
}

export function corruptModel(path: string, why: string, cause?: unknown): DepinferError {
  return new DepinferError({
    code: "model.corrupt",
    message: `The model file ${path} is not usable: ${why}`,
    remedy: "Download or build it again and compare its SHA-256 with the publisher's",
    metadata: { path },
    cause,
  });
}
