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

/** Magic, version, number of tensors, number of metadata entries. */
const HEADER_BYTES = 24;
const KNOWN_VERSIONS = [2, 3];
/** Far above any real model; a reader that believed a larger count would loop for hours over a damaged file. */
const MOST_ENTRIES = 1_000_000n;

async function requireGguf(path: string): Promise<void> {
  const header = await readHeader(path);
  const magic = header.toString("latin1", 0, 4);
  if (magic !== GGUF_MAGIC) {
    throw corruptModel(path, `it begins with ${JSON.stringify(magic)} instead of "GGUF"`);
  }
  if (header.length < HEADER_BYTES) {
    throw corruptModel(path, `it has only ${header.length} bytes`);
  }
  const version = header.readUInt32LE(4);
  if (!KNOWN_VERSIONS.includes(version)) {
    throw corruptModel(path, `its format version is ${version}, known are ${KNOWN_VERSIONS.join(" and ")}`);
  }
  const counts = [header.readBigUInt64LE(8), header.readBigUInt64LE(16)];
  if (counts.some((count) => count > MOST_ENTRIES)) {
    throw corruptModel(path, `it claims ${counts[0]} tensors and ${counts[1]} metadata entries`);
  }
}

async function readHeader(path: string): Promise<Buffer> {
  try {
    const file = await open(path);
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
      return buffer.subarray(0, bytesRead);
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
