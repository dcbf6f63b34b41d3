/**
 * Checks that llama.cpp cuts text into the same tokens as our own encoder: held-out messages, random Unicode, and whole
 * conversations as they stand in the training files.
 *
 *   node evaluate/tokenizer.ts --model FILE.gguf --data DIR
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createRandom } from "../corpus/random.ts";
import { createEncoder } from "../tokenizer/bpe.ts";
import { readTokenizer } from "../tokenizer/file.ts";
import { dialogue, loadEngine, promptTokens } from "./engine.ts";
import { readConversations } from "./score.ts";

const { values } = parseArgs({ options: { model: { type: "string" }, data: { type: "string" } } });
if (!values.model || !values.data) throw new Error("Usage: tokenizer.ts --model FILE.gguf --data DIR");
const data = values.data;
const encode = createEncoder(readTokenizer(join(data, "tokenizer.json")));
const { model } = await loadEngine(values.model);

const random = createRandom(7);
const odd = [
  "é",
  "ß",
  "ñ",
  "你",
  "好",
  "д",
  "ж",
  "ك",
  "🙂",
  "👍🏽",
  "½",
  "٣",
  "…",
  "“",
  "”",
  "'s",
  "'ll",
  "\r\n",
  "\u00a0",
];
const alphabet = [..."aAbBeEiInNsStT019   \n\t.,!?\"'`-+={}[]:;/\\_@#$%&*()<>|~^", ...odd];
const strange = Array.from({ length: 400 }, () =>
  Array.from({ length: random.int(1, 40) }, () => random.pick(alphabet)).join(""),
);
const held = readConversations(join(data, "dev.jsonl"), 600);
const texts = [...held.flatMap(({ turns }) => turns.flatMap(({ user, assistant }) => [user, assistant])), ...strange];
const same = (text: string): boolean => {
  const ours = encode(text).join();
  return model.tokenize(text, false, "trimLeadingSpace").join() === ours || model.tokenize(text, false).join() === ours;
};
const different = texts.filter((text) => !same(text));
for (const text of different.slice(0, 5)) console.log(JSON.stringify(text), model.tokenize(text, false), encode(text));
console.log(`${texts.length - different.length} of ${texts.length} texts give the same tokens`);

const bytes = (name: string): ArrayBuffer => Uint8Array.from(readFileSync(join(data, name))).buffer;
const ids = new Uint16Array(bytes("dev.ids.u16"));
const offsets = new Uint32Array(bytes("dev.offsets.u32"));
const equal = held.filter((conversation, i) => {
  const prompt = promptTokens(model, dialogue(conversation).messages);
  const start = offsets[i] ?? 0;
  return prompt.join() === ids.subarray(start, start + prompt.length).join();
}).length;
console.log(`${equal} of ${held.length} prompts equal the training file`);
process.exit(different.length === 0 && equal === held.length ? 0 : 1);
