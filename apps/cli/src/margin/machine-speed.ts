import { randomBytes } from "node:crypto";
import { createLlamaEngine } from "@depinfer/inference";
import { type Generation, PLAIN_SAMPLING } from "@depinfer/protocol";
import { resolveModel } from "../model-file.ts";

/** Tokens per second of one machine, all its slots together. */
export interface MachineSpeed {
  readonly model: string;
  readonly promptTokensPerSecond: number;
  readonly outputTokensPerSecond: number;
}

const ROUNDS = 3;
const OUTPUT_TOKENS = 64;
const TEXT =
  "Once upon a time there was a little fox who lived near a quiet river and liked to talk with every bird that came by. ".repeat(
    4,
  );

/**
 * The node's own benchmark: the real engine reads and writes as a provider would, all slots at once. Medians of three rounds
 * after one that warms up.
 */
export async function measureMachine(
  { model, slots }: { readonly model: string | undefined; readonly slots: number },
  progress: (text: string) => void,
): Promise<MachineSpeed> {
  const engine = await createLlamaEngine({ modelPath: await resolveModel(model), slots });
  try {
    const generation: Generation = {
      ...PLAIN_SAMPLING,
      prompt: { text: TEXT },
      temperature: 1,
      seed: null,
      stop: [],
      maxTokens: null,
    };
    const prompt = engine.prompt(generation);
    const [reading, writing]: [number[], number[]] = [[], []];
    for (let round = 0; round <= ROUNDS; round++) {
      progress(`round ${round} of ${ROUNDS}`);
      const read = await rate(slots, async () => {
        await engine.generate({ generation, prompt, seed: randomBytes(32), maxTokens: 1 }, () => undefined);
        return prompt.tokens.length;
      });
      const short = { tokens: prompt.tokens.slice(0, 8) };
      const written = await rate(slots, async () => {
        const { outputTokens } = await engine.generate(
          { generation, prompt: short, seed: randomBytes(32), maxTokens: OUTPUT_TOKENS },
          () => undefined,
        );
        return outputTokens;
      });
      if (round > 0) {
        reading.push(read);
        writing.push(written);
      }
    }
    return {
      model: engine.description.model,
      promptTokensPerSecond: middle(reading),
      outputTokensPerSecond: middle(writing),
    };
  } finally {
    await engine.dispose();
  }
}

/** Tokens per second of so many workers that each do the same at once. */
async function rate(workers: number, work: () => Promise<number>): Promise<number> {
  const started = performance.now();
  const tokens = await Promise.all(Array.from({ length: workers }, work));
  return (tokens.reduce((sum, count) => sum + count, 0) * 1_000) / (performance.now() - started);
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
