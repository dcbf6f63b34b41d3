/**
 * Writes the model card from what a run of make.sh measured: card.md with its {{slots}} filled.
 *
 *   node evaluate/card.ts --run FOLDER > README.md
 */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readBlocks } from "../corpus/blocks.ts";

const { values } = parseArgs({ options: { run: { type: "string" } } });
if (!values.run) throw new Error("Missing --run FOLDER: where make.sh wrote its results.");
const run = values.run;

type Json = Readonly<Record<string, unknown>>;
const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null;

function json(name: string): Json {
  const value: unknown = JSON.parse(readFileSync(join(run, name), "utf8"));
  if (!isJson(value)) throw new Error(`${name} is not an object.`);
  return value;
}
function part(from: Json, key: string): Json {
  const value = from[key];
  if (!isJson(value)) throw new Error(`There is no object ${key}.`);
  return value;
}
function number(from: Json, key: string): number {
  const value = from[key];
  if (typeof value !== "number") throw new Error(`There is no number ${key}.`);
  return value;
}
const text = (name: string): string => readFileSync(join(run, name), "utf8").trim();
const share = (right: number, of: number): string => `${((100 * right) / Math.max(1, of)).toFixed(1)} %`;
const exact = (tally: Json): string => share(number(tally, "right"), number(tally, "of"));
const grouped = (value: number): string => value.toLocaleString("en-US");
const millions = (value: number, digits = 1): string => (value / 1e6).toFixed(digits);

const [config, record] = [json("tiny/config.json"), json("tiny/record.json")];
const [test, probe, stories] = [json("test.json"), json("probe.json"), json("stories.json")];
/** A Markdown table; the first row is the head. */
const table = (rows: readonly (readonly (string | number)[])[]): string => {
  const [head = [], ...body] = rows.map((cells) => `| ${cells.join(" | ")} |`);
  return [head, `|${" --- |".repeat(rows[0]?.length ?? 0)}`, ...body].join("\n");
};

const [closed, unseen] = [part(test, "closed"), part(test, "unseen")];
const ratio = (tally: Json): number => number(tally, "right") / number(tally, "of");
const scored = Object.keys(part(test, "tasks"))
  .map((name) => ({ name, tally: part(part(test, "tasks"), name) }))
  .sort((a, b) => ratio(b.tally) - ratio(a.tally));
const tasks = scored.map(({ name, tally }) => [name, exact(tally), number(tally, "of"), number(tally, "seen")]);
const between = (low: number, high: number): string =>
  scored.flatMap(({ name, tally }) => (ratio(tally) >= low && ratio(tally) < high ? [name] : [])).join(", ") || "none";
/** What this model is meant to reach over all closed tasks. */
const AIM = 0.8;
const taskTable = table([
  ["Task", "Exact match", "of", "seen"],
  ...tasks,
  ["**all closed tasks**", `**${exact(closed)}**`, number(closed, "of"), number(closed, "seen")],
  ["only items that were not seen", exact(unseen), number(unseen, "of"), 0],
]);
const probes = Object.keys(part(probe, "tasks")).map((name) => {
  const tally = part(part(probe, "tasks"), name);
  return `${name} ${number(tally, "right")}/${number(tally, "of")}`;
});
const files = ["tiny.f32", "tiny.q8_0", "tiny.q6_k", "tiny.q4_k_m", "nano.q8_0"];
const variants = files.map((name) => {
  const result = json(`depinfer-${name}.json`);
  const bytes = grouped(statSync(join(run, `depinfer-${name}.gguf`)).size);
  const ended = share(number(result, "ended"), number(result, "conversations"));
  return [`depinfer-${name}`, bytes, exact(part(result, "closed")), ended];
});
const tokens = number(record, "tokens") + number(record, "tokensOfFirst");
const per = (from: Json, key: string): string => share(number(from, key), number(from, "conversations"));

const slots: Record<string, string | number> = {
  layers: number(config, "layers"),
  dim: number(config, "dim"),
  heads: number(config, "dim") / 32,
  ffn: number(config, "ffn"),
  vocab: grouped(number(config, "vocab")),
  parameters: millions(number(record, "parameters"), 2),
  good: between(0.8, 2),
  fair: between(0.6, 0.8),
  poor: between(0, 0.6),
  aim: ratio(closed) >= AIM ? "" : `It falls short of its aim of ${100 * AIM} % over all closed tasks.`,
  plots: readBlocks("plots").size,
  conversations: grouped(number(record, "conversations")),
  machine: `${number(record, "threads")} threads of an x86-64 server processor (no accelerator)`,
  precision: record.tiles === true ? "bfloat16 through AMX tiles" : "float32",
  minutes: number(record, "minutes"),
  steps: grouped(number(record, "steps")),
  tokens: millions(tokens),
  first: millions(number(record, "tokensOfFirst")),
  rate: grouped(Math.round(tokens / number(record, "minutes") / 60)),
  epochs: (number(record, "tokens") / number(record, "corpusTokens")).toFixed(2),
  devLoss: number(record, "devLoss").toFixed(4),
  tested: grouped(number(test, "conversations")),
  taskTable,
  ended: per(test, "ended"),
  looped: per(test, "looped"),
  stories: number(stories, "conversations"),
  storyEnded: per(stories, "ended"),
  storyLooped: per(stories, "looped"),
  storyMentions: exact(part(stories, "mentions")),
  storyTokens: number(stories, "openTokens").toFixed(0),
  speed: text("speed.txt"),
  probe: number(part(probe, "closed"), "right"),
  probeOf: number(part(probe, "closed"), "of"),
  probeTasks: probes.join(", "),
  variantOf: number(part(json("depinfer-tiny.q8_0.json"), "closed"), "of"),
  variantTable: table([["File", "Bytes", "Exact match", "Ends its turn"], ...variants]),
  tokenizerCheck: text("tokenizer.txt").split("\n").join("; "),
  logitsCheck: text("logits.txt"),
};
const template = readFileSync(new URL("./card.md", import.meta.url), "utf8");
const card = template.replace(/\{\{(\w+)\}\}/g, (_, slot: string) => {
  const value = slots[slot];
  if (value === undefined) throw new Error(`card.md has a slot {{${slot}}} that nothing fills.`);
  return String(value);
});
process.stdout.write(card);
