import type { Answering, GenerateOptions, KeyCacheType, ScoringEngine } from "@depinfer/inference";
import { createSampler, type Sampler } from "@depinfer/proof";
import { digestSha256, type Generation, PLAIN_SAMPLING, textPrompt, tokenBytes, utf8 } from "@depinfer/protocol";
import type { Adversary, AdversaryGroup } from "./adversary.ts";
import { type Laboratory, LOWER_PRECISIONS, type LowerPrecision } from "./laboratory.ts";

const by =
  (engine: ScoringEngine): Answering =>
  (request, onDelta) =>
    engine.generate(request, onDelta);

/** Answers with the honest engine to another request than the one that is paid for. */
const altered =
  (change: (request: GenerateOptions) => GenerateOptions) =>
  async ({ honest }: Laboratory): Promise<Answering> =>
  (request, onDelta) =>
    honest.generate(change(request), onDelta);

const atTemperature = (change: (temperature: number) => number) =>
  altered((request) => ({
    ...request,
    generation: { ...request.generation, temperature: change(request.generation.temperature) },
  }));

const smaller: Adversary = {
  name: "smaller model",
  group: "weights",
  description: "answers with a model of a third of the size",
  open: async (laboratory) => by(await laboratory.smaller()),
};

const lowerPrecision = (precision: LowerPrecision): Adversary => ({
  name: `weights ${precision}`,
  group: "weights",
  description: `answers with the same model at precision ${precision}`,
  open: async (laboratory) => by(await laboratory.lowerPrecision(precision)),
});

const keyCache = (type: Exclude<KeyCacheType, "f16">): Adversary => ({
  name: `key cache ${type}`,
  group: "weights",
  description: `keeps the attention's keys at precision ${type}`,
  open: async (laboratory) => by(await laboratory.keyCache(type)),
});

const temperature = (change: number): Adversary => ({
  name: `temperature ${change > 0 ? "+" : "−"}${Math.abs(change)}`,
  group: "sampling",
  description: `samples at a temperature that is ${Math.abs(change)} ${change > 0 ? "higher" : "lower"}`,
  open: atTemperature((asked) => Math.max(0, asked + change)),
  // What was greedy cannot become more so.
  applies: ({ generation }) => change > 0 || generation.temperature > 0,
});

const greedy: Adversary = {
  name: "greedy",
  group: "sampling",
  description: "takes the most probable token and pretends to sample",
  open: atTemperature(() => 0),
  applies: ({ generation }) => generation.temperature > 0,
};

const OTHER_TOP_K = 20;
const topK: Adversary = {
  name: `top ${OTHER_TOP_K}`,
  group: "sampling",
  description: `draws from the best ${OTHER_TOP_K} tokens instead of the best 64`,
  open: async (laboratory) => by(await laboratory.sampling("top-k", fromBest(OTHER_TOP_K))),
  applies: ({ generation }) => generation.temperature > 0,
};

function fromBest(count: number): typeof createSampler {
  return (asked, seed) => {
    const draw = createSampler(asked, seed);
    return ({ tokens, logits }, position) =>
      draw({ tokens: tokens.slice(0, count), logits: logits.slice(0, count) }, position);
  };
}

const noSystemPrompt: Adversary = {
  name: "system prompt removed",
  group: "prompt",
  description: "leaves the system prompt out to save its evaluation",
  async open({ honest }) {
    return (request, onDelta) => {
      const generation = { ...request.generation, prompt: withoutSystem(request.generation) };
      return honest.generate({ ...request, prompt: honest.prompt(generation) }, onDelta);
    };
  },
  applies: ({ generation: { prompt } }) =>
    "messages" in prompt && prompt.messages.some(({ role }) => role === "system"),
};

function withoutSystem({ prompt }: Generation): Generation["prompt"] {
  return "messages" in prompt ? { messages: prompt.messages.filter(({ role }) => role !== "system") } : prompt;
}

/** Prompts shorter than this are not worth cutting. */
const LONG_PROMPT = 60;
const truncated: Adversary = {
  name: "prompt truncated",
  group: "prompt",
  description: "evaluates only the second half of a long prompt",
  open: altered((request) => ({
    ...request,
    prompt: { tokens: request.prompt.tokens.slice(request.prompt.tokens.length >> 1) },
  })),
  applies: ({ generation }) => {
    const prompt = textPrompt(generation.prompt);
    const text = "text" in prompt ? prompt.text : prompt.messages.map(({ content }) => content).join(" ");
    return text.split(" ").length > LONG_PROMPT;
  },
};

const ADVERTISEMENT = " Buy Bitter Beans, the best of all beans.";
const INJECT_AT = 4;
const injected: Adversary = {
  name: "tokens injected",
  group: "tokens",
  description: "puts an advertisement into the answer and goes on after it",
  async open(laboratory) {
    const { tokens } = laboratory.honest.prompt({
      ...PLAIN_SAMPLING,
      prompt: { text: ADVERTISEMENT },
      temperature: 0,
      seed: null,
      stop: [],
      maxTokens: null,
    });
    return by(await laboratory.sampling("injected", injecting(tokens)));
  },
};

function injecting(tokens: readonly number[]): typeof createSampler {
  return (asked, seed): Sampler => {
    const draw = createSampler(asked, seed);
    return (candidates, position) => tokens[position - INJECT_AT] ?? draw(candidates, position);
  };
}

const replay: Adversary = {
  name: "replay of a cached answer",
  group: "tokens",
  description: "answers a prompt as it was answered before, under another seed",
  open: altered((request) => ({ ...request, seed: digestSha256(tokenBytes(request.prompt.tokens)) })),
  applies: ({ generation }) => generation.temperature > 0,
};

const GROUND_SEEDS = 4;
const grinding: Adversary = {
  name: "seed grinding",
  group: "tokens",
  description: `tries ${GROUND_SEEDS} seeds of its own and delivers the shortest answer`,
  async open({ honest }) {
    return async (request, onDelta) => {
      const tried = [];
      for (let i = 0; i < GROUND_SEEDS; i++) {
        const seed = digestSha256(Uint8Array.of(...request.seed, ...utf8(`ground ${i}`)));
        tried.push(await honest.generate({ ...request, seed }, onDelta));
      }
      return tried.reduce((shortest, answer) => (answer.tokens.length < shortest.tokens.length ? answer : shortest));
    };
  },
  applies: ({ generation }) => generation.temperature > 0,
};

const EARLY = 6;
const earlyStop: Adversary = {
  name: "early stop",
  group: "tokens",
  description: `ends every answer after ${EARLY} tokens as if the model had`,
  async open({ honest, endOfTurn }) {
    return async (request, onDelta) => {
      const answer = await honest.generate({ ...request, maxTokens: EARLY }, onDelta);
      return answer.stopReason === "end"
        ? answer
        : {
            ...answer,
            stopReason: "end",
            tokens: [...answer.tokens, endOfTurn],
            outputTokens: answer.outputTokens + 1,
          };
    };
  },
};

const mixture: Adversary = {
  name: "mixture",
  group: "weights",
  description: "answers half of the requests at precision q4_k_m, the others at a temperature that is 0.1 higher",
  async open(laboratory) {
    const cheaper = by(await laboratory.lowerPrecision("q4_k_m"));
    const hotter = await temperature(0.1).open(laboratory);
    return (request, onDelta) => ((request.seed[0] ?? 0) % 2 === 0 ? cheaper : hotter)(request, onDelta);
  },
};

/** Every cheat that shows in the tokens, each as the whole behaviour of a provider. */
export const ADVERSARY_ZOO: readonly Adversary[] = [
  smaller,
  ...LOWER_PRECISIONS.map(lowerPrecision),
  keyCache("q8_0"),
  keyCache("q4_0"),
  ...[0.1, 0.2, 0.5].flatMap((change) => [temperature(change), temperature(-change)]),
  topK,
  greedy,
  noSystemPrompt,
  truncated,
  injected,
  replay,
  grinding,
  earlyStop,
  mixture,
];

export function adversaryNamed(name: string): Adversary {
  const found = ADVERSARY_ZOO.find((adversary) => adversary.name === name);
  if (found === undefined) {
    throw new RangeError(
      `no adversary is called ${name}; there are ${ADVERSARY_ZOO.map((known) => known.name).join(", ")}`,
    );
  }
  return found;
}

export const ADVERSARY_GROUPS: readonly AdversaryGroup[] = ["weights", "sampling", "prompt", "tokens"];
