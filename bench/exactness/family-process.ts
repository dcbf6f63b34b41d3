import { createLlamaEngine, loadBackend, type ScoringEngine, taskAt } from "@depinfer/inference";
import { addTranscript, MARGIN_OPTIONS, NO_COUNTS, positionMargins } from "@depinfer/proof";
import type { Token } from "node-llama-cpp";
import { z } from "zod";
import { embeddedModels } from "../../apps/cli/src/home.ts";
import { serveWorker } from "../measure/serve-worker.ts";
import { type Answer, answerSchema } from "./answer.ts";
import { measureConditions } from "./conditions.ts";

/* One of the engine's processor libraries, in a process of its own: a process can load only one. */

const [, , cpuLibrary = "portable"] = process.argv;
const SLOTS = 8;
const CONTEXT = 1024;

const order = z.object({ count: z.int(), length: z.int() });
const TASKS = "exactness";

let opened: Promise<ScoringEngine> | undefined;

function engine(): Promise<ScoringEngine> {
  opened ??= createLlamaEngine({ modelPath: embeddedModels.tiny, slots: SLOTS, contextLength: CONTEXT, cpuLibrary });
  return opened;
}

serveWorker({
  describe: async () => (await engine()).description,
  async generate(argument: unknown): Promise<Answer[]> {
    const own = await engine();
    const { count } = order.parse(argument);
    return Promise.all(
      Array.from({ length: count }, async (_, index) => {
        const { generation, maxTokens, seed } = taskAt(TASKS, index);
        const prompt = own.prompt(generation);
        const { tokens } = await own.generate({ generation, prompt, seed, maxTokens }, () => undefined);
        return { task: index, prompt: [...prompt.tokens], tokens: [...tokens] };
      }),
    );
  },
  async score(argument: unknown) {
    const own = await engine();
    const answers = z.array(answerSchema).parse(argument);
    const scored = await Promise.all(
      answers.map(async ({ task, prompt, tokens }) => {
        const { generation, seed } = taskAt(TASKS, task);
        return positionMargins(await own.score(prompt, tokens), generation.temperature, seed, MARGIN_OPTIONS);
      }),
    );
    return scored.reduce(addTranscript, NO_COUNTS);
  },
  async conditions(argument: unknown) {
    const { count, length } = order.parse(argument);
    const own = await engine();
    const llama = await loadBackend({ gpu: false, cpuLibrary });
    const model = await llama.loadModel({ modelPath: embeddedModels.tiny, gpuLayers: 0 });
    const prompts = Array.from({ length: count }, (_, index) =>
      [...own.prompt(taskAt(`${TASKS}/conditions`, index).generation).tokens].filter(isToken),
    );
    const results = await measureConditions(model, prompts, length);
    await model.dispose();
    return results;
  },
});

function isToken(value: number): value is Token {
  return Number.isInteger(value) && value >= 0;
}
