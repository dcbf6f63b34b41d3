import { DepinferError, parseJson, utf8 } from "@depinfer/protocol";
import { z } from "zod";
import { checked, invalid } from "../invalid.ts";
import { checkDepth } from "../json-depth.ts";

/** Endpoints that a batch can be of. */
export const BATCH_ENDPOINTS = ["/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses"] as const;
export type BatchEndpoint = (typeof BATCH_ENDPOINTS)[number];

const lineSchema = z.strictObject({
  custom_id: z.string().min(1).max(512),
  method: z.literal("POST"),
  url: z.string(),
  body: z.record(z.string(), z.json()),
});

/** A request of a batch, or why it is none. */
export type BatchLine =
  | { readonly line: number; readonly customId: string; readonly body: Uint8Array }
  | { readonly line: number; readonly customId: string | null; readonly error: DepinferError };

const NEWLINE = 0x0a;

/** The lines of an input file, but for empty ones, each judged by itself. Numbers count every line, from 0. */
export function* readLines(content: Uint8Array, endpoint: string): Generator<BatchLine> {
  const seen = new Set<string>();
  let start = 0;
  for (let line = 0; start < content.length; line++) {
    const newline = content.indexOf(NEWLINE, start);
    const end = newline < 0 ? content.length : newline;
    const bytes = content.subarray(start, end);
    start = end + 1;
    if (!isBlank(bytes)) {
      yield readLine(line, bytes, endpoint, seen);
    }
  }
}

function readLine(line: number, bytes: Uint8Array, endpoint: string, seen: Set<string>): BatchLine {
  let customId: string | null = null;
  try {
    checkDepth(bytes);
    const value = parseJson(bytes, `Line ${line + 1}`);
    customId = customIdOf(value);
    const request = checked(lineSchema, value);
    if (request.url !== endpoint) {
      throw invalid("url", `Line ${line + 1} is for ${JSON.stringify(request.url)}, the batch for ${endpoint}`);
    }
    if (seen.has(request.custom_id)) {
      throw invalid("custom_id", `Line ${line + 1} has the custom_id of an earlier line`);
    }
    if (request.body.stream === true) {
      throw invalid("body.stream", `Line ${line + 1} asks for a stream, and a batch has none`);
    }
    seen.add(request.custom_id);
    return { line, customId: request.custom_id, body: utf8(JSON.stringify(request.body)) };
  } catch (error) {
    if (error instanceof DepinferError) {
      return { line, customId, error };
    }
    throw error;
  }
}

function customIdOf(value: unknown): string | null {
  return typeof value === "object" && value !== null && "custom_id" in value && typeof value.custom_id === "string"
    ? value.custom_id.slice(0, 512)
    : null;
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}
