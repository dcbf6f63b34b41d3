import { createHash } from "node:crypto";
import type { Hex } from "@depinfer/protocol";
import type { Origin } from "../output.ts";

/** An id of an answer in the form of its endpoint. */
export function idOf(prefix: string, requestId: Hex): string {
  return `${prefix}${requestId.slice(2, 34)}`;
}

/** The runtime class, shortened: answers with the same fingerprint came from machines that can check each other. */
export function fingerprintOf({ classId }: Origin): string {
  return `fp_${classId.slice(2, 14)}`;
}

/** An id of a part of an answer, the same however often it is told: of its tool calls, say. */
export function partId(prefix: string, requestId: Hex, index: number): string {
  return `${prefix}${createHash("sha256").update(`${requestId}:${index}`).digest("hex").slice(0, 24)}`;
}
