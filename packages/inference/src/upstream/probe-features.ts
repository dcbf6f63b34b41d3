import {
  createToolCallReader,
  errorCode,
  FEATURES,
  type Feature,
  type Generation,
  PLAIN_SAMPLING,
} from "@depinfer/protocol";
import { z } from "zod";
import { createCallWriter } from "./call-writer.ts";
import { tokenEvidence } from "./token-evidence.ts";
import type { UpstreamApi } from "./upstream-api.ts";
import { upstreamRequest } from "./upstream-body.ts";

/*
 * What a server honours, found out by asking it for answers that show it: a server that ignores a parameter answers all
 * the same, so its 200 proves nothing. Penalties, biases and pictures show in no short answer; their support is what the
 * operator declares.
 */

const MAX_TOKENS = 64;
const WORD = "zq7";

const asked: Generation = {
  ...PLAIN_SAMPLING,
  prompt: { messages: [{ role: "user", content: "Hello" }] },
  temperature: 0,
  seed: null,
  stop: [],
  maxTokens: MAX_TOKENS,
};

/** Which of the features that an answer can show the server has. */
export async function probeFeatures(api: UpstreamApi, model: string): Promise<readonly Feature[]> {
  const shown: Partial<Record<Feature, () => Promise<boolean>>> = {
    embedding: async () => {
      const { data } = await api.post("embeddings", { model, input: "Hello" }, embeddingsSchema);
      return (data[0]?.embedding.length ?? 0) > 0;
    },
    json: async () => {
      const schema = {
        type: "object",
        properties: { word: { type: "string", enum: [WORD] } },
        required: ["word"],
        additionalProperties: false,
      };
      const { text } = await answer({ constraint: { kind: "schema", schema } });
      return wordSchema.safeParse(JSON.parse(text)).success;
    },
    tools: async () => {
      const tool = { name: WORD, description: "Call this function", parameters: { type: "object", properties: {} } };
      const { text } = await answer({
        constraint: { kind: "tools", tools: [tool], mode: "required", parallel: false, otherwise: null },
      });
      return createToolCallReader()
        .push(text)
        .some((piece) => piece.kind === "callStart" && piece.name === WORD);
    },
    logprobs: async () => (await answer({ logprobs: 1 }, 2)).logprobs > 0,
    // The hottest draw from a nucleus of one token is the greedy answer.
    topP: async () => {
      const greedy = await answer({}, 8);
      const hot = await answer({ temperature: 2, topP: 1e-6 }, 8);
      return greedy.text !== "" && hot.text === greedy.text;
    },
  };

  async function answer(changes: Partial<Generation>, maxTokens = MAX_TOKENS) {
    const { path, body } = upstreamRequest(model, { ...asked, ...changes }, maxTokens);
    const calls = createCallWriter();
    let text = "";
    let logprobs = 0;
    for await (const { choices } of api.stream(path, body)) {
      for (const choice of choices) {
        text += (choice.delta?.content ?? choice.text ?? "") + calls.push(choice.delta?.tool_calls ?? []);
        logprobs += choice.logprobs === undefined || choice.logprobs === null ? 0 : 1;
        logprobs += tokenEvidence(choice).ids.length > 0 ? 1 : 0;
      }
    }
    return { text: text + calls.close(), logprobs };
  }

  const found: Feature[] = [];
  for (const feature of FEATURES) {
    const probe = shown[feature];
    if (probe !== undefined && (await shows(probe))) {
      found.push(feature);
    }
  }
  return found;
}

/** A server that fails on a parameter does not honour it. */
async function shows(probe: () => Promise<boolean>): Promise<boolean> {
  try {
    return await probe();
  } catch (error) {
    if (error instanceof SyntaxError || errorCode(error).startsWith("upstream.")) {
      return false;
    }
    throw error;
  }
}

const wordSchema = z.strictObject({ word: z.literal(WORD) });

export const embeddingsSchema = z.object({
  data: z
    .array(z.object({ index: z.int().min(0).optional(), embedding: z.array(z.number()).min(1) }))
    .min(1)
    .max(2_048),
  usage: z.object({ prompt_tokens: z.int().min(0) }).optional(),
});
