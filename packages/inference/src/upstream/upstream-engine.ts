import {
  classId,
  DepinferError,
  type Feature,
  type Hex,
  type ProofLevel,
  type StopReason,
  textPrompt,
} from "@depinfer/protocol";
import type { Completion, Engine, EngineDescription, GenerateOptions, OnDelta } from "../engine.ts";
import { createSlots } from "../slots.ts";
import { createCallWriter } from "./call-writer.ts";
import { EVIDENCE_PARAMETERS, type GenerationPath, probeEvidence } from "./probe.ts";
import { probeFeatures } from "./probe-features.ts";
import { servedModel, upstreamClass } from "./served-model.ts";
import { tokenEvidence } from "./token-evidence.ts";
import { createUpstreamApi, type UpstreamApi, type UpstreamOptions } from "./upstream-api.ts";
import { upstreamRequest } from "./upstream-body.ts";
import { upstreamLogprobs } from "./upstream-logprobs.ts";
import { upstreamVectors } from "./upstream-vectors.ts";

export interface UpstreamEngineOptions extends UpstreamOptions {
  /** Model name at the upstream; its first model by default. */
  readonly model?: string;
  /** SHA-256 of the weight file that the upstream serves, where its operator declares it. */
  readonly weights?: Hex;
  readonly slots?: number;
  /** Tokens that prompt and answer may have together; upstreams do not tell it. */
  readonly contextLength?: number;
  /** What the server honours, where its operator says it; otherwise it is asked. */
  readonly features?: readonly Feature[];
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
  const has = options.features ?? (await probeFeatures(api, model));
  // Log-probabilities are told beside token ids, so a server without ids has none to tell.
  const features = has.filter((feature) => feature !== "logprobs" || level !== "none");
  const runtimeClass = upstreamClass(model, options.weights);
  const description: EngineDescription = {
    model,
    runtimeClass,
    classId: classId(runtimeClass),
    proofLevel: level,
    ...(note === "" ? {} : { levelNote: note }),
    contextLength: options.contextLength ?? DEFAULT_CONTEXT,
    slots: options.slots ?? DEFAULT_SLOTS,
    features,
  };
  const slots = createSlots(Array.from({ length: description.slots }, (_, index) => ({ index })));
  return {
    description,
    prompt(generation) {
      if (!("inputs" in generation.prompt)) {
        textPrompt(generation.prompt);
      }
      return { tokens: [] };
    },
    generate: (request, onDelta) =>
      slots.run(() => {
        const { prompt } = request.generation;
        return "inputs" in prompt
          ? upstreamVectors(api, model, prompt, request.signal, onDelta)
          : generate(api, model, level, request, onDelta);
      }),
    dispose: () => api.close(),
  };
}

/** Reasons to finish that are none: the answer is not whole. */
const FAILED: readonly string[] = ["error", "abort"];

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
  const { path, body: wanted } = upstreamRequest(model, generation, maxTokens);
  const body = level === "none" ? wanted : withEvidence(path, wanted, generation.logprobs);
  const calls = createCallWriter();
  try {
    for await (const chunk of api.stream(path, body, signal)) {
      usage = chunk.usage ?? usage;
      for (const choice of chunk.choices) {
        finish = choice.finish_reason ?? finish;
        const said = choice.delta?.content ?? choice.text ?? "";
        const called = choice.delta?.tool_calls ?? [];
        const piece = (said === "" ? "" : calls.close() + said) + calls.push(called);
        const evidence = level === "none" ? null : tokenEvidence(choice);
        tokens.push(...(evidence?.ids ?? []));
        logprobs.push(...(evidence?.logprobs ?? []));
        text += piece;
        if (piece !== "" || (evidence !== null && evidence.ids.length > 0)) {
          const told =
            generation.logprobs === null || evidence === null
              ? undefined
              : upstreamLogprobs(choice, evidence.ids, generation.logprobs);
          await onDelta(evidence?.ids ?? [], piece, told);
        }
      }
    }
  } catch (error) {
    if (!signal?.aborted) {
      throw error;
    }
  }
  const closing = calls.close();
  if (closing !== "") {
    text += closing;
    await onDelta([], closing);
  }
  if (level !== "none" && !signal?.aborted) {
    requireTokens(tokens.length, usage.completion_tokens);
  }
  if (finish !== null && FAILED.includes(finish)) {
    throw new DepinferError({
      code: "upstream.failed",
      message: `The upstream gave up in mid-answer: ${finish}`,
      remedy: "Try again or use another provider",
      retryable: true,
    });
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

/** The request with what makes the server tell its tokens, and no fewer alternatives than were asked for. */
function withEvidence(path: GenerationPath, body: object, logprobs: number | null): object {
  const { return_tokens_as_token_ids: named, ...evidence } = EVIDENCE_PARAMETERS[path];
  const alternatives = Math.max(1, logprobs ?? 0);
  return {
    ...body,
    ...evidence,
    ...(path === "completions" ? { logprobs: alternatives } : { top_logprobs: alternatives }),
    // Names in place of texts; an app that asks for log-probabilities wants texts.
    ...(logprobs === null ? { return_tokens_as_token_ids: named } : {}),
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
