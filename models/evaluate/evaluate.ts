/**
 * Exact match per closed task on held-out conversations, share of replies that end by themselves, and loops.
 *
 *   node evaluate/evaluate.ts --model FILE.gguf --held test.jsonl [--limit 2000] [--task story] [--temperature 0.7]
 *     [--out result.json] [--mistakes 40]
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { loadEngine } from "./engine.ts";
import { readConversations, score, type Tally } from "./score.ts";

const { values } = parseArgs({
  options: {
    model: { type: "string" },
    held: { type: "string" },
    limit: { type: "string", default: "2000" },
    task: { type: "string" },
    temperature: { type: "string", default: "0" },
    out: { type: "string" },
    mistakes: { type: "string", default: "0" },
  },
});
if (!values.model || !values.held) throw new Error("Usage: evaluate.ts --model FILE.gguf --held test.jsonl");

const wanted = readConversations(values.held).filter(({ task }) => values.task === undefined || task === values.task);
const engine = await loadEngine(values.model);
const summary = await score(engine, wanted.slice(0, Number(values.limit)), Number(values.temperature));
const { mistakes, ...numbers } = summary;

const percent = (part: number, of: number): string => `${((100 * part) / Math.max(1, of)).toFixed(1).padStart(6)} %`;
const line = (name: string, { right, of, seen }: Tally): string =>
  `${name.padEnd(16)} ${percent(right, of)} of ${String(of).padStart(4)}, ${seen} seen`;
for (const [task, tally] of Object.entries(summary.tasks).sort()) console.log(line(task, tally));
console.log(line("all closed", summary.closed));
console.log(line("all unseen", summary.unseen));
console.log(line("names its hero", summary.mentions));
console.log(
  `ended ${percent(summary.ended, summary.conversations)}, loops ${percent(summary.looped, summary.conversations)}`,
);
for (const mistake of mistakes.slice(0, Number(values.mistakes))) console.log(mistake);
if (values.out) writeFileSync(values.out, `${JSON.stringify(numbers, null, 2)}\n`);
process.exit(0);
