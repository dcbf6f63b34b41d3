import type Anthropic from "@anthropic-ai/sdk";
import type OpenAI from "openai";
import type { z } from "zod";
import type {
  batchSchema,
  chatAnswerSchema,
  chatChunkSchema,
  completionAnswerSchema,
  embeddingAnswerSchema,
  fileSchema,
  messageAnswerSchema,
  outputItemSchema,
  responseAnswerSchema,
} from "../../services/gateway/src/openapi/answer-schemas.ts";

/*
 * The schemas that every answer is held to, against the types that OpenAI and Anthropic publish, which are made of their
 * own API documents. Nothing runs here: what does not fit does not compile.
 */

type Answer<Schema extends z.ZodType> = Plain<z.output<Schema>>;
/** A member that is missing and one that is undefined are the same in JSON. */
type Plain<Value> = Value extends readonly (infer Entry)[]
  ? Plain<Entry>[]
  : Value extends object
    ? { [Key in keyof Value as undefined extends Value[Key] ? never : Key]: Plain<Value[Key]> } & {
        [Key in keyof Value as undefined extends Value[Key] ? Key : never]?: Plain<Exclude<Value[Key], undefined>>;
      }
    : Value;

export const chat = (ours: Answer<typeof chatAnswerSchema>): OpenAI.ChatCompletion => ours;
export const chunk = (ours: Answer<typeof chatChunkSchema>): OpenAI.ChatCompletionChunk => ours;
export const file = (ours: Answer<typeof fileSchema>): OpenAI.FileObject => ours;
export const item = (
  ours: Answer<typeof outputItemSchema>,
): OpenAI.Responses.ResponseOutputMessage | OpenAI.Responses.ResponseFunctionToolCall => ours;
export const embedding = (
  ours: Answer<typeof embeddingAnswerSchema>,
): Omit<OpenAI.CreateEmbeddingResponse, "data"> & { data: { index: number; object: "embedding" }[] } => ours;
/** OpenAI's type has no null for reasons of chunks that do not end anything, which its API sends. */
export const completion = (ours: Answer<typeof completionAnswerSchema>): Omit<OpenAI.Completion, "choices" | "usage"> =>
  ours;
export const batch = ({
  errors: _,
  ...ours
}: Answer<typeof batchSchema>): Pick<OpenAI.Batch, "id" | "object" | "endpoint" | "status" | "input_file_id"> => ours;
export const message = (ours: Answer<typeof messageAnswerSchema>): Anthropic.Message => ours;
type ResponseOfTheirs = Omit<
  OpenAI.Responses.Response,
  "output_text" | "error" | "text" | "tools" | "tool_choice" | "user" | "output" | "usage"
>;
/** Errors have codes of their own, what was asked for is sent back as it came, and usage is null until the end. */
export const response = (ours: Answer<typeof responseAnswerSchema>): ResponseOfTheirs => ours;
export const responseUsage = (
  ours: NonNullable<Answer<typeof responseAnswerSchema>["usage"]>,
): Omit<OpenAI.Responses.ResponseUsage, "input_tokens_details"> => ours;
