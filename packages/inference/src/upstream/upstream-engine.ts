import {
  classId,
  DepinferError,
  type Generation,
  type Hex,
  type ProofLevel,
  type StopReason,
  textPrompt,
} from "@depinfer/protocol";
import type { Completion, Engine, EngineDescription, GenerateOptions, OnDelta } from "../engine.ts";
import { createSlots } from "../slots.ts";
import { EVIDENCE_PARAMETERS, type GenerationPath, probeEvidence } from "./probe.ts";
import { servedModel, upstreamClass } from "./served-model.ts";
import { tokenEvidence } from "./token-evidence.ts";
import { createUpstreamApi, type UpstreamApi, type UpstreamOptions } from "./upstream-api.ts";

export interface UpstreamEngineOptions extends UpstreamOptions {
  /** Model name at the upstream; its first model by default. */
  readonly model?: string;
  /** SHA-256 of the weight file that the upstream serves, where its operator declares it. */
  readonly weights?: Hex;
  readonly slots?: number;
  /** Tokens that prompt and answer may have together; upstreams do not tell it. */
  readonly contextLength?: number;
}

const DEFAULT_SLOTS = 8;
const DEFAULT_CONTEXT = 8192;

/**
 * Any OpenAI-compatible server (vLLM, SGLang, Ollama, llama-server, TGI) as an engine. Its sampling cannot be seeded by
 * us, so its answers are at best `greedy`: checkable at temperature 0 where the server tells token ids. Otherwise they
 * are `none`, and are shown as unverifiable.
 *
 * @throws DepinferError `upstream.badUrl`, `upstream.unreachable`, `upstream.refused`, `upstream.malformed` or
 *   `upstream.unknownModel`.
 */
export async function createUpstreamEngine(options: UpstreamEngineOptions): Promise<Engine> {
  const api = createUpstreamApi(options);
  const model = await servedModel(api, options.model);
  const { level, note } = await probeEvidence(api, model);
  const runtimeClass = upstreamClass(model, options.weights);
  const description: EngineDescription = {
    model,
    runtimeClass,
    classId: classId(runtimeClass),
    proofLevel: level,
    ...(note === "" ? {} : { levelNote: note }),
    contextLength: options.contextLength ?? DEFAULT_CONTEXT,
    slots: options.slots ?? DEFAULT_SLOTS,
  };
  const slots = createSlots(Array.from({ length: description.slots }, (_, index) => ({ index })));
  return {
    description,
    prompt(generation) {
      textPrompt(generation.prompt);
      return { tokens: [] };
    },
    generate: (request, onDelta) => slots.run(() => generate(api, model, level, request, onDelta)),
    dispose: () => api.close(),
  };
}

async function generate(
  api: UpstreamApi,
  model: string,
  level: ProofLevel,
  { generation, maxTokens, signal }: GenerateOptions,
  onDelta: OnDelta,
): Promise<Completion> {
  let text = "";
  let finish: string | null = null;
  let usage = { prompt_tokens: 0, completion_tokens: 0 };
  const tokens: number[] = [];
  const logprobs: number[] = [];
  const { path, body } = upstreamBody(model, level, generation, maxTokens);
  try {
    for await (const chunk of api.stream(path, body, signal)) {
      usage = chunk.usage ?? usage;
      for (const choice of chunk.choices) {
        finish = choice.finish_reason ?? finish;
        const piece = choice.delta?.content ?? choice.text ?? "";
        const evidence = level === "none" ? null : tokenEvidence(choice);
        tokens.push(...(evidence?.ids ?? []));
        logprobs.push(...(evidence?.logprobs ?? []));
        text += piece;
        if (piece !== "" || (evidence !== null && evidence.ids.length > 0)) {
          await onDelta(evidence?.ids ?? [], piece);
        }
      }
    }
  } catch (error) {
    if (!signal?.aborted) {
      throw error;
    }
  }
  if (level !== "none" && !signal?.aborted) {
    requireTokens(tokens.length, usage.completion_tokens);
  }
  const stopReason: StopReason = signal?.aborted ? "cancelled" : finish === "length" ? "length" : "end";
  return {
    stopReason,
    tokens,
    text,
    promptTokens: usage.prompt_tokens,
    outputTokens: tokens.length > 0 ? tokens.length : usage.completion_tokens,
    ...(logprobs.length > 0 && logprobs.length === tokens.length ? { logprobs } : {}),
  };
}

/**
 * An answer without its ids could not carry the level that was offered. The end-of-turn token may be missing: some
 * servers count it and do not send it.
 */
function requireTokens(sent: number, counted: number): void {
  if (sent + 1 < counted || (sent === 0 && counted > 0)) {
    throw new DepinferError({
      code: "upstream.tokensMissing",
      message: `The upstream counts ${counted} tokens and told the ids of ${sent}`,
      remedy: "Switch off what drops tokens at the upstream, a reasoning parser say, or start the provider again",
      metadata: { sent, counted },
      retryable: true,
    });
  }
}

function upstreamBody(model: string, level: ProofLevel, generation: Generation, maxTokens: number) {
  const { temperature, seed, stop } = generation;
  const prompt = textPrompt(generation.prompt);
  const path: GenerationPath = "messages" in prompt ? "chat/completions" : "completions";
  const body = {
    model,
    ...("messages" in prompt ? { messages: prompt.messages } : { prompt: prompt.text }),
    temperature,
    max_tokens: maxTokens,
    stream: true,
    stream_options: { include_usage: true },
    ...(level === "none" ? {} : EVIDENCE_PARAMETERS[path]),
    ...(seed === null ? {} : { seed }),
    ...(stop.length === 0 ? {} : { stop }),
  };
  return { path, body };
}
