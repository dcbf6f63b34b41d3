import {
  type Candidates,
  createSampler,
  createShaping,
  SAMPLER_VERSION,
  type Shaped,
  type Shaping,
} from "@depinfer/proof";
import {
  canonicalJson,
  classId,
  DepinferError,
  digestSha256,
  errorMessage,
  type Feature,
  type RuntimeClass,
  type StopReason,
  toHex,
  utf8,
} from "@depinfer/protocol";
import {
  GgmlType,
  GgufFileType,
  getModuleVersion,
  type LlamaContextSequence,
  type LlamaModel,
  resolveChatWrapper,
  type Token,
} from "node-llama-cpp";
import { createAnswerText } from "../answer-text.ts";
import type { Completion, EngineDescription, GenerateOptions, OnDelta, ScoringEngine } from "../engine.ts";
import { createSlots } from "../slots.ts";
import { backendFamily, type CpuLibrary, type GpuDevice, loadBackend } from "./backend.ts";
import { promptTokens } from "./chat-prompt.ts";
import { createLlamaEmbedder } from "./embedder.ts";
import { type Ask, nextCandidates, PLAIN_ASK, promptCandidates, scorePositions, shareInPairs } from "./evaluate.ts";
import { logprobsOf } from "./logprobs.ts";
import { createPrefixes } from "./prefixes.ts";
import { createLlamaVocabulary } from "./vocabulary.ts";
import { corruptModel, hashWeights } from "./weights.ts";

export interface LlamaEngineOptions {
  /** Path of a GGUF file. */
  readonly modelPath: string;
  /** Name in offers and in the `model` parameter; the file's own name by default. */
  readonly modelName?: string;
  /** Requests answered at the same time; each has its own context in memory. */
  readonly slots?: number;
  /** Tokens that prompt and answer may have together; at most what the model was trained for. */
  readonly contextLength?: number;
  readonly flashAttention?: boolean;
  /** Type of the key cache; f16 by default. Another one is another runtime class. */
  readonly keyCache?: KeyCacheType;
  /** Which of the engine's processor libraries computes; `portable` by default. */
  readonly cpuLibrary?: CpuLibrary;
  /** Draws tokens in place of the seeded sampler, for simulations of cheats. */
  readonly createSampler?: typeof createSampler;
  /** Computes on this device instead of the processor; another runtime class. */
  readonly gpu?: GpuDevice;
}

export type KeyCacheType = "f16" | "q8_0" | "q4_0";

/**
 * Most rows per step of the engine, on both sides of the proof. With flash attention decode and prefill stop agreeing
 * from 64 rows on, where another kernel runs; without it a lone row disagrees, which `evaluate.ts` avoids.
 */
const MICRO_BATCH = 32;
const DEFAULT_CONTEXT = 4096;
const KEY_CACHE_TYPES = { q8_0: GgmlType.Q8_0, q4_0: GgmlType.Q4_0 } as const;

/**
 * llama.cpp with the seeded sampler.
 *
 * @throws DepinferError `model.missing`, `model.corrupt` or `engine.unavailable`.
 */
export async function createLlamaEngine(options: LlamaEngineOptions): Promise<ScoringEngine> {
  const weights = await hashWeights(options.modelPath);
  const llama = await loadBackend({ gpu: options.gpu ?? false, cpuLibrary: options.cpuLibrary ?? "portable" });
  const model = await llama
    .loadModel({ modelPath: options.modelPath, gpuLayers: options.gpu === undefined ? 0 : "max" })
    .catch((cause: unknown) => {
      throw corruptModel(options.modelPath, errorMessage(cause), cause);
    });
  // On a processor the flash kernel is far slower at these batch sizes; on a GPU it is the faster one.
  const flashAttention = options.flashAttention ?? options.gpu !== undefined;
  const contextLength = Math.min(options.contextLength ?? DEFAULT_CONTEXT, model.trainContextSize);
  const keyCache = options.keyCache ?? "f16";
  const slotCount = options.slots ?? 1;
  const context = await model.createContext({
    contextSize: contextLength,
    sequences: slotCount,
    batchSize: MICRO_BATCH,
    batching: { itemPrioritizationStrategy: shareInPairs },
    threads: 1,
    flashAttention,
    ...(keyCache === "f16" ? {} : { experimentalKvCacheKeyType: KEY_CACHE_TYPES[keyCache] }),
  });
  const prefixes = createPrefixes();
  const slots = createSlots(Array.from({ length: slotCount }, () => context.getSequence()));
  const samplerFor = options.createSampler ?? createSampler;
  const wrapper = resolveChatWrapper(model);
  const runtimeClass: RuntimeClass = {
    weights,
    ...fileParts(model),
    engine: `llama.cpp ${llama.llamaCppRelease.release} (node-llama-cpp ${await getModuleVersion()})`,
    backend: backendFamily(llama),
    flashAttention,
    keyCache,
    valueCache: "f16",
    microBatch: MICRO_BATCH,
    sampler: SAMPLER_VERSION,
  };
  const description: EngineDescription = {
    model: options.modelName ?? model.fileInfo.metadata.general.name ?? model.filename ?? "unnamed",
    runtimeClass,
    classId: classId(runtimeClass),
    proofLevel: "seeded",
    contextLength,
    slots: slots.size,
    features: FEATURES_OF_ENGINE,
  };
  const detokenize = (tokens: readonly number[], before: readonly number[]) =>
    model.detokenize(tokens.filter(isKnown), false, before.filter(isKnown));

  const vocabulary = createLlamaVocabulary(model);
  const embedder = createLlamaEmbedder(model, contextLength);

  return {
    description,
    vocabulary,
    prompt(generation) {
      if ("inputs" in generation.prompt) {
        return { tokens: embedder.tokens(generation.prompt).flat() };
      }
      if ("messages" in generation.prompt && generation.prompt.messages.some(({ images }) => images !== undefined)) {
        throw noImages();
      }
      const vocabulary = model.fileInfo.metadata.tokenizer?.ggml?.tokens?.length ?? Number.POSITIVE_INFINITY;
      const strange = generation.logitBias.find(([token]) => token >= vocabulary);
      if (strange !== undefined) {
        throw noSuchToken(strange[0], vocabulary);
      }
      const tokens = promptTokens(model, wrapper, generation);
      if (tokens.length === 0 || tokens.length >= contextLength) {
        throw contextExceeded(tokens.length, contextLength);
      }
      return { tokens };
    },
    generate: (request, onDelta) =>
      "inputs" in request.generation.prompt
        ? embedder.generate(request.generation.prompt, request.signal, onDelta)
        : slots.run(
            (sequence) => generate(sequence, request, onDelta),
            (sequence) => prefixes.shared(sequence, begun(request), request.cacheKey),
          ),
    score: (prompt, output, positions, window, watch) =>
      slots.run(async (sequence) => {
        if (prompt.length + output.length > contextLength) {
          throw contextExceeded(prompt.length + output.length, contextLength);
        }
        await prefixes.clear(sequence);
        return scorePositions(sequence, prompt, output, positions, window, watch);
      }),
    text(prompt, output, stop, resumed) {
      const answer = createAnswerText(detokenize, prompt, stop, resumed);
      const body = output.filter((token) => !endsTurn(token)).map((token) => answer.push(token));
      return body.join("") + answer.flush();
    },
    endsTurn,
    dispose: () => model.dispose(),
  };

  function isKnown(token: number): token is Token {
    return Number.isInteger(token) && token >= 0;
  }

  function endsTurn(token: number): boolean {
    return isKnown(token) && model.isEogToken(token);
  }

  async function generate(
    sequence: LlamaContextSequence,
    request: GenerateOptions,
    onDelta: OnDelta,
  ): Promise<Completion> {
    const { seed, generation, signal, resume = [] } = request;
    const prompt = begun(request);
    const limit = Math.min(request.maxTokens, contextLength - prompt.length);
    const answer = createAnswerText(detokenize, request.prompt.tokens, generation.stop, resume);
    if (limit < 1) {
      throw contextExceeded(prompt.length, contextLength);
    }
    if (answer.stopped || resume.some(endsTurn)) {
      throw alreadyOver();
    }
    const tokens: number[] = [];
    let text = "";
    let stopReason: StopReason = "length";
    const draw = samplerFor(generation.temperature, seed);
    const shaping = createShaping(generation, vocabulary, resume);
    if (shaping === "forbidden") {
      throw notFollowing();
    }
    const ask = askOf(shaping, generation.logprobs);
    const cachedTokens = await prefixes.keep(sequence, prompt, request.cacheKey);
    request.onPrompt?.({ promptTokens: prompt.length, cachedTokens });
    while (tokens.length < limit) {
      if (signal?.aborted) {
        stopReason = "cancelled";
        break;
      }
      const last = tokens.at(-1);
      const candidates = await (last === undefined
        ? promptCandidates(sequence, prompt.slice(cachedTokens), ask)
        : nextCandidates(sequence, last, ask));
      const shaped = shaping?.shape(candidates) ?? candidates;
      const token = forcedBy(shaped) ?? draw(shaped, resume.length + tokens.length);
      shaping?.push(token);
      tokens.push(token);
      const ended = endsTurn(token);
      const piece = ended ? answer.flush() : answer.push(token);
      text += piece;
      const told =
        generation.logprobs === null ? undefined : [logprobsOf(candidates, token, generation.logprobs, vocabulary)];
      const full = onDelta([token], piece, told);
      if (full !== undefined) {
        await full;
      }
      if (ended || answer.stopped) {
        stopReason = ended ? "end" : "stopSequence";
        break;
      }
    }
    const rest = answer.flush();
    if (rest !== "") {
      text += rest;
      onDelta([], rest);
    }
    return {
      stopReason,
      tokens,
      text,
      promptTokens: prompt.length,
      cachedTokens,
      outputTokens: tokens.length,
    };
  }
}

/** What the engine honours. */
const FEATURES_OF_ENGINE: readonly Feature[] = [
  "embedding",
  "json",
  "tools",
  "logprobs",
  "penalties",
  "logitBias",
  "topP",
  "continuation",
];

function askOf(shaping: Shaping | null, logprobs: number | null): Ask {
  return shaping === null && logprobs === null
    ? PLAIN_ASK
    : { ...(shaping?.window ?? PLAIN_ASK), weight: logprobs !== null };
}

/** The token that has to come, where the choice is shaped and nothing is left to choose from. */
function forcedBy(candidates: Candidates | Shaped): number | null {
  return "forced" in candidates ? candidates.forced : null;
}

function noSuchToken(token: number, vocabulary: number): DepinferError {
  return new DepinferError({
    code: "request.invalid",
    message: `Invalid value for logit_bias: the model has ${vocabulary} tokens, and none is ${token}`,
    remedy: "Take ids of this model's tokens",
    metadata: { param: "logit_bias" },
  });
}

function noImages(): DepinferError {
  return new DepinferError({
    code: "request.invalid",
    message: "The messages hold image_url parts, and this model reads text",
    remedy: "Remove them, or choose a model whose offers have the feature `images`",
    metadata: { param: "messages" },
  });
}

function notFollowing(): DepinferError {
  return new DepinferError({
    code: "request.invalid",
    message: "The answer that shall be gone on with does not follow the form that the request demands",
    remedy: "Send the tokens as the first provider delivered them",
    metadata: { param: "resume" },
  });
}

/** The tokens that are there before the first one is drawn. */
function begun({ prompt, resume = [] }: GenerateOptions): readonly number[] {
  return resume.length === 0 ? prompt.tokens : [...prompt.tokens, ...resume];
}

function alreadyOver(): DepinferError {
  return new DepinferError({
    code: "request.invalid",
    message: "The answer that shall be gone on with is over: it ends its turn or has a stop sequence",
    remedy: "Take it as it is",
    metadata: { param: "resume" },
  });
}

/** The parts of a runtime class that stand in the weight file. */
function fileParts(model: LlamaModel): Pick<RuntimeClass, "quantisation" | "tokenizer" | "chatTemplate"> {
  const { general, tokenizer } = model.fileInfo.metadata;
  const type = general.file_type;
  return {
    quantisation:
      type === undefined ? "unknown" : (GgufFileType[type] ?? `type-${type}`).toLowerCase().replace("mostly_", ""),
    tokenizer: toHex(digestSha256(utf8(canonicalJson(tokenizer?.ggml ?? {})))),
    chatTemplate: toHex(digestSha256(utf8(tokenizer?.chat_template ?? ""))),
  };
}

function contextExceeded(tokens: number, contextLength: number): DepinferError {
  return new DepinferError({
    code: "request.contextExceeded",
    message: `The prompt has ${tokens} tokens and the context holds ${contextLength}, so no room is left for an answer`,
    remedy: "Shorten the prompt or choose a model with a longer context",
    metadata: { tokens, contextLength },
  });
}
