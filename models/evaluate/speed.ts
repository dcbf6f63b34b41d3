/**
 * Tokens per second while answering (prompt excluded), median over several stories, one thread.
 *
 *   node evaluate/speed.ts --model FILE.gguf
 */
import { parseArgs } from "node:util";
import { loadEngine, promptTokens } from "./engine.ts";

const { values } = parseArgs({ options: { model: { type: "string" } } });
if (!values.model) throw new Error("Usage: speed.ts --model FILE.gguf");
const { model, sequence } = await loadEngine(values.model);
const LIMIT = 200;
const rates: number[] = [];
for (const subject of ["a fox", "a dragon", "two owls", "a lamp", "a king", "a boy named Tom", "a whale"]) {
  await sequence.clearHistory();
  const prompt = promptTokens(model, [{ role: "user", text: `Tell me a short story about ${subject}.` }]);
  let first = 0;
  let count = 0;
  for await (const _ of sequence.evaluate(prompt)) {
    if (count++ === 0) first = performance.now();
    if (count >= LIMIT) break;
  }
  rates.push(((count - 1) * 1000) / (performance.now() - first));
}
rates.sort((a, b) => a - b);
const [slowest = 0, median = 0, fastest = 0] = [rates[0], rates[rates.length >> 1], rates.at(-1)];
const round = (rate: number): string => rate.toFixed(0);
console.log(`${round(median)} tokens/s (median of ${rates.length}; ${round(slowest)} to ${round(fastest)})`);
process.exit(0);
