import { randomBytes } from "node:crypto";
import type { Completion, Engine, GenerateOptions, OnDelta } from "@depinfer/inference";
import { promptHash } from "@depinfer/proof";

/*
 * Cheats for tests and demonstrations. Each wraps an honest engine and keeps its description, as a real cheat would
 * keep its offer. A provider that runs one says so in its offer, its log and its state.
 */

export const ADVERSARIES = ["model", "quantisation", "temperature", "replay", "inflate"] as const;
export type AdversaryKind = (typeof ADVERSARIES)[number];

/** What each cheat does, for `--help` and for the log. */
export const ADVERSARY_DESCRIPTIONS: Readonly<Record<AdversaryKind, string>> = {
  model: "answers with a smaller model than the one it is paid for",
  quantisation: "answers with weights of lower precision",
  temperature: "samples at a higher temperature than asked",
  replay: "answers a known prompt from its cache instead of computing",
  inflate: "adds token ids that show no text, to be paid for more",
};

/** Cheats that need other weights than the ones they claim. */
export function needsSubstitute(kind: AdversaryKind): boolean {
  return kind === "model" || kind === "quantisation";
}

const HIGHER_TEMPERATURE = 0.4;
/** One paid id in four is air. */
const INFLATION = 4;

/** Turns an honest engine into a cheating one. `substitute` holds the cheaper weights of `model` and `quantisation`. */
export function createAdversary(kind: AdversaryKind, honest: Engine, substitute: Engine = honest): Engine {
  const answers = new Map<string, Completion>();

  async function replay(request: GenerateOptions, onDelta: OnDelta): Promise<Completion> {
    const key = promptHash(request.prompt.tokens);
    const cached = answers.get(key);
    if (cached === undefined) {
      const completion = await honest.generate({ ...request, seed: randomBytes(32) }, onDelta);
      answers.set(key, completion);
      return completion;
    }
    await onDelta(cached.tokens, cached.text);
    return cached;
  }

  async function inflate(request: GenerateOptions, onDelta: OnDelta): Promise<Completion> {
    const completion = await honest.generate(request, onDelta);
    const air = completion.tokens.slice(0, Math.ceil(completion.tokens.length / INFLATION));
    await onDelta(air, "");
    return {
      ...completion,
      tokens: [...completion.tokens, ...air],
      outputTokens: completion.tokens.length + air.length,
    };
  }

  function generate(request: GenerateOptions, onDelta: OnDelta): Promise<Completion> {
    switch (kind) {
      case "model":
      case "quantisation":
        return substitute.generate(request, onDelta);
      case "temperature": {
        const { generation } = request;
        return honest.generate(
          { ...request, generation: { ...generation, temperature: generation.temperature + HIGHER_TEMPERATURE } },
          onDelta,
        );
      }
      case "replay":
        return replay(request, onDelta);
      case "inflate":
        return inflate(request, onDelta);
    }
  }

  return {
    description: honest.description,
    prompt: (generation) => honest.prompt(generation),
    generate,
    async dispose() {
      await honest.dispose();
      if (substitute !== honest) {
        await substitute.dispose();
      }
    },
  };
}
