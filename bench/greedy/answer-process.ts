/* Answers the prompts with one engine and prints ids and log-probabilities: a process holds one library of the engine. */
import { createLlamaEngine } from "@depinfer/inference";
import { chosenLogprob } from "@depinfer/proof";
import { MAX_TOKENS, promptsOf } from "./prompts.ts";

const { count, ...options } = JSON.parse(process.argv[2] ?? "{}");
const engine = await createLlamaEngine(options);
const answers = [];
for (const generation of promptsOf(count)) {
  const prompt = engine.prompt(generation);
  const { tokens } = await engine.generate(
    { generation, prompt, seed: new Uint8Array(32), maxTokens: MAX_TOKENS },
    () => undefined,
  );
  const scored = await engine.score(prompt.tokens, tokens);
  answers.push({ tokens, logprobs: scored.map(chosenLogprob) });
}
await engine.dispose();
console.log(JSON.stringify({ backend: engine.description.runtimeClass.backend, answers }));
