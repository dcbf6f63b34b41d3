/**
 * Writes the corpus: one conversation per line of JSON.
 *
 *   node corpus/generate.ts --out DIR [--conversations 700000] [--first 80000] [--held 3000] [--seed 1]
 *
 * DIR/train.jsonl is for training and DIR/first/train.jsonl for its beginning (mostly exercises in copying);
 * DIR/dev.jsonl and DIR/test.jsonl hold phrasings and words that training does not contain in these tasks (split.ts),
 * DIR/probe.jsonl questions that were written by hand.
 * The same arguments always write the same bytes.
 */
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Conversation } from "./conversation.ts";
import { conversation, type Mixture, main, start } from "./mixture.ts";
import { probes } from "./probe.ts";
import { createRandom } from "./random.ts";
import { normalise, type Split } from "./split.ts";

const { values } = parseArgs({
  options: {
    out: { type: "string" },
    conversations: { type: "string", default: "700000" },
    first: { type: "string", default: "80000" },
    held: { type: "string", default: "3000" },
    seed: { type: "string", default: "1" },
  },
});
if (!values.out) throw new Error("Missing --out DIR: where to write the corpus.");
const out = values.out;
const seed = Number(values.seed);

/** Every message of training, and all messages of each conversation, normalised. */
const known = new Set<string>();
/** Tasks whose question means something only together with what stands before it. */
const contextual = new Set(["reading", "yes or no", "story question", "name"]);
const messages = ({ turns }: Conversation): string[] => turns.map(({ user }) => normalise(user));

const LINES_PER_WRITE = 2000;

function write(path: string, seed: number, count: number, split: Split, mixture: Mixture): void {
  const random = createRandom(seed);
  const file = openSync(path, "w");
  for (let written = 0; written < count; ) {
    const lines: string[] = [];
    for (; lines.length < LINES_PER_WRITE && written < count; written++) {
      lines.push(`${JSON.stringify(mark(conversation(random, split, mixture), split))}\n`);
    }
    writeSync(file, lines.join(""));
  }
  closeSync(file);
}

function mark(made: Conversation, split: Split): Conversation {
  const all = messages(made);
  if (split !== "train")
    return { ...made, seen: known.has((contextual.has(made.task) ? all.join("\n") : all.at(-1)) ?? "") };
  for (const message of [...all, all.join("\n")]) known.add(message);
  return made;
}

mkdirSync(join(out, "first"), { recursive: true });
write(join(out, "train.jsonl"), seed, Number(values.conversations), "train", main);
write(join(out, "first", "train.jsonl"), seed + 1, Number(values.first), "train", start);
write(join(out, "dev.jsonl"), seed + 2, Number(values.held), "dev", main);
write(join(out, "test.jsonl"), seed + 3, Number(values.held), "test", main);
writeFileSync(
  join(out, "probe.jsonl"),
  probes()
    .map((made) => `${JSON.stringify(made)}\n`)
    .join(""),
);
