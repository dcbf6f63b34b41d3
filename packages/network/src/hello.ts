import { bytes32Schema, decodeMessage } from "@depinfer/protocol";
import { z } from "zod";
import { versionMismatch } from "./errors.ts";

/** First frame of a link in both directions, and again whenever `nonceHead` or `features` change. JSON on the wire. */
export const helloSchema = z.object({
  /** Versions of `/depinfer/1` framing and messages that this side speaks. */
  versions: z.array(z.int().min(1).max(65_535)).min(1).max(64),
  /** Optional abilities, by name. Unknown names mean nothing. */
  features: z.array(z.string().max(64)).max(64),
  /** Name and version of the program, for people: `depinfer/0.1.0`. */
  software: z.string().max(128),
  /** `provider`, `gateway`, `validator`, … Informative: rights never follow from it. */
  role: z.string().max(32),
  /** DATA bytes this side takes per exchange before it grants more. */
  windowBytes: z.int().min(1024).max(0x7fff_ffff),
  /** Random per start of the process, so that a restarted peer replaces its own stale link. */
  instance: z.string().min(8).max(64),
  /** Head of the provider's reverse hash chain of nonces for this peer. */
  nonceHead: bytes32Schema.optional(),
});
export type Hello = z.output<typeof helloSchema>;

/** HELLO payloads above this are refused. */
const MAX_HELLO_BYTES = 16 * 1024;

/** @throws DepinferError `message.malformed` */
export function decodeHello(payload: Uint8Array): Hello {
  return decodeMessage(helloSchema, payload.subarray(0, MAX_HELLO_BYTES), "HELLO");
}

/**
 * The highest version that both sides speak.
 *
 * @throws NetworkError `network.versionMismatch`
 */
export function negotiateVersion(peerId: string, ours: Hello, theirs: Hello): number {
  const common = ours.versions.filter((version) => theirs.versions.includes(version));
  if (common.length === 0) {
    throw versionMismatch(peerId, ours.versions, theirs.versions, theirs.software);
  }
  return Math.max(...common);
}
