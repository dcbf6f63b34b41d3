import {
  classId,
  DepinferError,
  digestSha256,
  type Generation,
  type ProofLevel,
  type RuntimeClass,
  type StopReason,
  toHex,
  utf8,
} from "@depinfer/protocol";
import type { Completion, Engine, EngineDescription } from "../engine.ts";
import { createSlots } from "../slots.ts";
import { createUpstreamApi, type UpstreamApi, type UpstreamOptions } from "./upstream-api.ts";

export interface UpstreamEngineOptions extends UpstreamOptions {
  /** Model name at the upstream; its first model by default. */
  readonly model?: string;
  readonly slots?: number;
  /** Tokens that prompt and answer may have together; upstreams do not tell it. */
  readonly contextLength?: number;
}

const DEFAULT_SLOTS = 8;
const DEFAULT_CONTEXT = 8192;

/**
 * Any OpenAI-compatible server (vLLM, SGLang, Ollama, llama-server, TGI) as an engine. Its sampling cannot be seeded by
 * us, so its answers are at best `greedy`: checkable by log-probabilities at temperature 0 where the server gives them.
 * Otherwise they are `none`, and are shown as unverifiable.
 *
 * @throws DepinferError `upstream.badUrl`, `upstream.unreachable`, `upstream.refused` or `upstream.malformed`.
 */
export async function createUpstreamEngine(options: UpstreamEngineOptions): Promise<Engine> {
  const api = createUpstreamApi(options);
  const available = await api.models();
  const model = options.model ?? available[0] ?? "unknown";
  if (!available.includes(model)) {
    throw new DepinferError({
      code: "upstream.unknownModel",
      message: `The upstream has no model ${JSON.stringify(model)}; it has ${available.join(", ")}`,
      remedy: "Pass one of these names",
      metadata: { model },
    });
  }
  const proofLevel: ProofLevel = (await givesLogprobs(api, model)) ? "greedy" : "none";
  const runtimeClass = opaqueClass(model);
  const description: EngineDescription = {
    model,
    runtimeClass,
    classId: classId(runtimeClass),
    proofLevel,
    contextLength: options.contextLength ?? DEFAULT_CONTEXT,
    slots: options.slots ?? DEFAULT_SLOTS,
  };
  const slots = createSlots(Array.from({ length: description.slots }, (_, index) => ({ index })));
  return {
    description,
    prompt: () => ({ tokens: [] }),
    generate: ({ generation, maxTokens, signal }, onDelta) =>
      slots.run(async () => {
        let text = "";
        let finish: string | null = null;
        let usage = { prompt_tokens: 0, completion_tokens: 0 };
        const { path, body } = upstreamBody(model, generation, maxTokens);
        try {
          for await (const chunk of api.stream(path, body, signal)) {
            usage = chunk.usage ?? usage;
            for (const choice of chunk.choices) {
              finish = choice.finish_reason ?? finish;
              const piece = choice.delta?.content ?? choice.text ?? "";
              if (piece !== "") {
                text += piece;
                await onDelta([], piece);
              }
            }
          }
        } catch (error) {
          if (!signal?.aborted) {
            throw error;
          }
        }
        const stopReason: StopReason = signal?.aborted ? "cancelled" : finish === "length" ? "length" : "end";
        return {
          stopReason,
          tokens: [],
          text,
          promptTokens: usage.prompt_tokens,
          outputTokens: usage.completion_tokens,
        } satisfies Completion;
      }),
    dispose: () => api.close(),
  };
}

function upstreamBody(model: string, generation: Generation, maxTokens: number) {
  const { prompt, temperature, seed, stop } = generation;
  const shared = {
    model,
    temperature,
    max_tokens: maxTokens,
    stream: true,
    stream_options: { include_usage: true },
    ...(seed === null ? {} : { seed }),
    ...(stop.length === 0 ? {} : { stop }),
  };
  return "messages" in prompt
    ? { path: "chat/completions" as const, body: { ...shared, messages: prompt.messages } }
    : { path: "completions" as const, body: { ...shared, prompt: prompt.text } };
}

/** Asks for one token with its log-probability; a server that refuses or ignores the wish cannot be screened. */
async function givesLogprobs(api: UpstreamApi, model: string): Promise<boolean> {
  const body = {
    model,
    messages: [{ role: "user", content: "Hello" }],
    max_tokens: 1,
    temperature: 0,
    stream: true,
    logprobs: true,
    top_logprobs: 1,
  };
  try {
    for await (const { choices } of api.stream("chat/completions", body)) {
      if (choices.some(({ logprobs }) => logprobs !== undefined && logprobs !== null)) {
        return true;
      }
    }
    return false;
  } catch (error) {
    if (error instanceof DepinferError && error.code === "upstream.refused" && !error.retryable) {
      return false;
    }
    throw error;
  }
}

/** What runs behind an upstream is unknown; the class says so instead of pretending to know weights. */
function opaqueClass(model: string): RuntimeClass {
  const unknown = toHex(digestSha256(utf8(`depinfer/upstream/1\n${model}`)));
  return {
    weights: unknown,
    quantisation: "unknown",
    tokenizer: unknown,
    chatTemplate: unknown,
    engine: "openai-compatible upstream",
    backend: "unknown",
    flashAttention: false,
    keyCache: "unknown",
    valueCache: "unknown",
    microBatch: 1,
    sampler: "none",
  };
}
