import { z } from "zod";
import { DepinferError } from "./errors.ts";
import { canonicalJson } from "./hashing.ts";
import { type MinimumLevel, minimumLevelSchema } from "./proof-level.ts";
import { parseJson } from "./request.ts";

/*
 * Tensors as they travel. An answer of tensors is text, their canonical JSON, so that it is delivered, hashed, kept and
 * audited like any other. Two results have one text if and only if they are equal bit by bit: −0 and 0 differ, as do
 * two NaNs with other bits.
 */

/** Bytes per element. */
const ELEMENT_BYTES = { float32: 4, float64: 8, int32: 4, int64: 8, uint8: 1, int8: 1, bool: 1 } as const;
export const TENSOR_TYPES = ["float32", "float64", "int32", "int64", "uint8", "int8", "bool"] as const;
export type TensorType = (typeof TENSOR_TYPES)[number];

/** Most elements of a tensor on the wire: a frame holds a few megabytes. */
export const MAX_TENSOR_ELEMENTS = 1 << 22;
const MAX_TENSORS = 64;

export interface TensorData {
  readonly type: TensorType;
  readonly shape: readonly number[];
  /** Elements in row-major order, little-endian. */
  readonly bytes: Uint8Array;
}
export type NamedTensors = Readonly<Record<string, TensorData>>;

const tensorSchema = z
  .strictObject({
    type: z.enum(TENSOR_TYPES),
    shape: z.array(z.int().min(0).max(MAX_TENSOR_ELEMENTS)).max(8),
    /** Elements, little-endian, base64. */
    data: z.base64(),
  })
  .transform(({ type, shape, data }): TensorData => ({ type, shape, bytes: fromBase64(data) }))
  .refine(({ shape }) => elementsOf(shape) <= MAX_TENSOR_ELEMENTS, "the tensor has too many elements")
  .refine(
    ({ type, shape, bytes }) => bytes.length === elementsOf(shape) * ELEMENT_BYTES[type],
    "the data does not have as many bytes as type and shape say",
  );

export const namedTensorsSchema = z
  .record(z.string().min(1).max(200), tensorSchema)
  .refine((tensors) => Object.keys(tensors).length <= MAX_TENSORS, `more than ${MAX_TENSORS} tensors`);

const inferBody = z.strictObject({
  model: z.string().min(1).max(300),
  inputs: namedTensorsSchema,
  /** Most words of four bytes that may come back and be paid. */
  max_output_words: z.int().min(1).max(1_000_000).nullish(),
  proof: z.strictObject({ min: minimumLevelSchema.optional() }).optional(),
});

export interface ParsedTensors {
  readonly model: string;
  readonly inputs: NamedTensors;
  readonly maxOutputWords: number | null;
  readonly minProofLevel: MinimumLevel | null;
}

/**
 * Validates the body of an `infer` request.
 *
 * @throws DepinferError `request.malformed` for text that is not JSON, `request.invalid` naming the parameter otherwise.
 */
export function parseTensorBody(bytes: Uint8Array): ParsedTensors {
  const parsed = inferBody.safeParse(parseJson(bytes, "The request body"));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const param = issue?.path.map(String).join(".") ?? "";
    throw new DepinferError({
      code: "request.invalid",
      message: `Invalid value for ${param === "" ? "the body" : param}: ${issue?.message ?? "not allowed"}`,
      remedy: "Send {model, inputs: {name: {type, shape, data}}} with little-endian elements in base64",
      metadata: { param: param === "" ? null : param },
    });
  }
  const { model, inputs, max_output_words: maxOutputWords, proof } = parsed.data;
  return { model, inputs, maxOutputWords: maxOutputWords ?? null, minProofLevel: proof?.min ?? null };
}

/** Tensors as they stand in JSON; the inverse of the schema. */
export function tensorsToJson(tensors: NamedTensors): z.input<typeof namedTensorsSchema> {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { type, shape, bytes }]) => [
      name,
      { type, shape: [...shape], data: toBase64(bytes) },
    ]),
  );
}

/** The text of an answer. */
export function tensorText(tensors: NamedTensors): string {
  return canonicalJson(tensorsToJson(tensors));
}

/**
 * The tensors in the text of an answer.
 *
 * @throws DepinferError `tensor.badText` when it is not what `tensorText` writes.
 */
export function parseTensorText(text: string): NamedTensors {
  const parsed = namedTensorsSchema.safeParse(tryJson(text));
  // A provider that may write one result in two ways could sign for one and deliver the other.
  if (!parsed.success || tensorText(parsed.data) !== text) {
    throw new DepinferError({
      code: "tensor.badText",
      message: `${JSON.stringify(text.slice(0, 80))} is not the canonical text of tensors`,
      remedy: "Ask the provider again, or another one",
    });
  }
  return parsed.data;
}

/** What tensors are paid by: words of four bytes, begun ones counted whole. */
export function tensorWords(tensors: NamedTensors): number {
  return Object.values(tensors).reduce((sum, { bytes }) => sum + Math.ceil(bytes.length / 4), 0);
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) {
    text += String.fromCharCode(byte);
  }
  return btoa(text);
}
