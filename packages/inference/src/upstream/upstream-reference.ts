import type { ScoredPosition } from "@depinfer/proof";
import { DepinferError, type Generation, type Hex, textPrompt } from "@depinfer/protocol";
import { z } from "zod";
import type { Prompt } from "../engine.ts";
import type { GreedyReference } from "../verify-greedy.ts";
import { servedModel, upstreamClass } from "./served-model.ts";
import { createUpstreamApi, type UpstreamApi, type UpstreamOptions } from "./upstream-api.ts";

/*
 * A second server of the same model as the judge of `greedy` answers, for models that this machine cannot load. vLLM
 * scores a whole answer in one request (`prompt_logprobs`); llama-server has no such parameter and is asked position by
 * position, which its prompt cache makes bearable.
 */

export interface UpstreamReferenceOptions extends UpstreamOptions {
  readonly model?: string;
  /** SHA-256 of its weight file, as in `UpstreamEngineOptions`. */
  readonly weights?: Hex;
}

export interface UpstreamReference extends GreedyReference {
  close(): Promise<void>;
}

/** Candidates asked for per position. vLLM gives 20 unless its operator allows more. */
const CANDIDATES = 20;

const ids = z.array(z.int().min(0));

/**
 * @throws DepinferError as `createUpstreamEngine`, or `upstream.cannotScore` when the server is neither vLLM nor
 *   llama-server.
 */
export async function createUpstreamReference(options: UpstreamReferenceOptions): Promise<UpstreamReference> {
  const api = createUpstreamApi(options);
  const model = await servedModel(api, options.model);
  const owner = (await api.models()).find(({ id }) => id === model)?.owned_by ?? "";
  const scorer = SCORERS[owner]?.(api, model);
  if (scorer === undefined) {
    await api.close();
    throw new DepinferError({
      code: "upstream.cannotScore",
      message: `The server of ${model} says that it is ${JSON.stringify(owner)}, which gives no log-probabilities of given tokens`,
      remedy: "Use vLLM or llama-server as the second opinion, or the weights themselves",
      metadata: { owner },
    });
  }
  return {
    description: { runtimeClass: upstreamClass(model, options.weights) },
    ...scorer,
    async text(prompt, output, stop) {
      const whole = await scorer.text(prompt, output, stop);
      const cuts = stop.map((sequence) => whole.indexOf(sequence)).filter((index) => index >= 0);
      return whole.slice(0, Math.min(whole.length, ...cuts));
    },
    close: () => api.close(),
  };
}

type Scorer = Pick<GreedyReference, "prompt" | "score" | "text">;

const SCORERS: Readonly<Record<string, (api: UpstreamApi, model: string) => Scorer>> = {
  vllm: vllmScorer,
  llamacpp: llamaServerScorer,
};

const tokenized = z.object({ tokens: ids });
const vllmScores = z.object({
  choices: z.array(
    z.object({
      prompt_logprobs: z.array(z.record(z.string().regex(/^\d+$/), z.object({ logprob: z.number() })).nullable()),
    }),
  ),
});

function vllmScorer(api: UpstreamApi, model: string): Scorer {
  return {
    async prompt(generation: Generation): Promise<Prompt> {
      const prompt = textPrompt(generation.prompt);
      const body =
        "messages" in prompt
          ? { model, messages: prompt.messages, add_generation_prompt: true }
          : { model, prompt: prompt.text };
      return api.call("tokenize", body, tokenized);
    },
    async score(prompt, output) {
      const body = {
        model,
        prompt: [...prompt, ...output],
        // The server insists on generating; what it generates is not read.
        max_tokens: 1,
        temperature: 0,
        prompt_logprobs: CANDIDATES,
      };
      const { choices } = await api.call("v1/completions", body, vllmScores);
      const found = choices[0]?.prompt_logprobs ?? [];
      return output.map((chosen, index) =>
        position(
          Object.entries(found[prompt.length + index] ?? {}).map(([id, { logprob }]) => [Number(id), logprob]),
          chosen,
        ),
      );
    },
    text: async (_prompt, output) =>
      (await api.call("detokenize", { model, tokens: output }, z.object({ prompt: z.string() }))).prompt,
  };
}

const llamaScores = z.object({
  completion_probabilities: z
    .array(z.object({ top_logprobs: z.array(z.object({ id: z.int(), logprob: z.number() })) }))
    .min(1),
});

function llamaServerScorer(api: UpstreamApi): Scorer {
  return {
    async prompt(generation: Generation): Promise<Prompt> {
      const prompt = textPrompt(generation.prompt);
      const content =
        "messages" in prompt
          ? (await api.call("apply-template", { messages: prompt.messages }, z.object({ prompt: z.string() }))).prompt
          : prompt.text;
      return api.call("tokenize", { content, add_special: true, parse_special: "messages" in prompt }, tokenized);
    },
    async score(prompt, output) {
      const scored: ScoredPosition[] = [];
      for (const [index, chosen] of output.entries()) {
        const { completion_probabilities: found } = await api.call(
          "completion",
          {
            prompt: [...prompt, ...output.slice(0, index)],
            n_predict: 1,
            n_probs: CANDIDATES,
            // Below 0 the server takes the best token and gives a plain softmax of the logits.
            temperature: -1,
            cache_prompt: true,
          },
          llamaScores,
        );
        scored.push(
          position(
            (found[0]?.top_logprobs ?? []).map(({ id, logprob }) => [id, logprob]),
            chosen,
          ),
        );
      }
      return scored;
    },
    text: async (_prompt, output) =>
      (await api.call("detokenize", { tokens: output }, z.object({ content: z.string() }))).content,
  };
}

/** A token that is not among the candidates is infinitely far behind, which the clip of the statistic bounds. */
function position(candidates: readonly (readonly [number, number])[], chosen: number): ScoredPosition {
  const ranked = [...candidates].sort((a, b) => b[1] - a[1]);
  return {
    tokens: ranked.map(([token]) => token),
    logits: ranked.map(([, logprob]) => logprob),
    chosen,
    chosenLogit: ranked.find(([token]) => token === chosen)?.[1] ?? Number.NEGATIVE_INFINITY,
  };
}
