/**
 * Learns the tokenizer from DIR/train.jsonl and writes the corpora as token ids.
 *
 *   node tokenizer/encode.ts --data DIR [--vocab 2048]
 *
 * A conversation becomes `<|endoftext|>` and then, per message, `<|im_start|>role\ntext<|im_end|>\n`.
 * Files per corpus: ids (u16), weights (u8, the token's weight in the loss: 0 outside answers), offsets (u32).
 */
import { createReadStream, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import type { Conversation } from "../corpus/conversation.ts";
import { parseConversation } from "../corpus/parse.ts";
import { BEGIN, createEncoder, END, START, trainTokenizer } from "./bpe.ts";

/** Weight per token of answers up to so many tokens: facts are short, and long stories would drown them. */
const WEIGHTS = [
  { upTo: 20, weight: 4 },
  { upTo: 70, weight: 2 },
  { upTo: Number.POSITIVE_INFINITY, weight: 1 },
];
/** Conversations from which the tokenizer is learnt. */
const LEARN_FROM = 60_000;

const { values } = parseArgs({ options: { data: { type: "string" }, vocab: { type: "string", default: "2048" } } });
if (!values.data) throw new Error("Missing --data DIR: where corpus/generate.ts wrote train.jsonl.");
const directory = values.data;

async function* read(name: string): AsyncGenerator<Conversation> {
  const lines = createInterface({ input: createReadStream(join(directory, `${name}.jsonl`)) });
  for await (const line of lines) yield parseConversation(line);
}

async function learn(): Promise<string[]> {
  const texts: string[] = [];
  let count = 0;
  for await (const { system, turns } of read("train")) {
    if (system) texts.push(`system\n${system}`);
    for (const { user, assistant } of turns) texts.push(`user\n${user}`, `assistant\n${assistant}`, "\n");
    if (++count >= LEARN_FROM) break;
  }
  return texts;
}

/** A growing array of numbers, without the memory of boxed ones. */
class Column<T extends Uint8Array | Uint16Array | Uint32Array> {
  private data: T;
  private readonly create: (size: number) => T;
  length = 0;
  constructor(create: (size: number) => T) {
    this.create = create;
    this.data = create(1 << 20);
  }
  push(value: number): void {
    if (this.length === this.data.length) {
      const grown = this.create(this.data.length * 2);
      grown.set(this.data);
      this.data = grown;
    }
    this.data[this.length++] = value;
  }
  write(path: string): void {
    writeFileSync(path, this.data.subarray(0, this.length));
  }
}

async function encodeCorpus(name: string, encode: (text: string) => number[]): Promise<void> {
  const ids = new Column((size) => new Uint16Array(size));
  const weights = new Column((size) => new Uint8Array(size));
  const offsets = new Column((size) => new Uint32Array(size));
  let answers = 0;
  let longest = 0;
  const add = (tokens: readonly number[], weight: number) => {
    for (const token of tokens) {
      ids.push(token);
      weights.push(weight);
    }
  };
  const message = (role: string, text: string) => {
    add([START, ...encode(`${role}\n`)], 0);
    const body = [...encode(text), END];
    const isAnswer = role === "assistant";
    add(body, isAnswer ? (WEIGHTS.find(({ upTo }) => body.length <= upTo)?.weight ?? 1) : 0);
    add(encode("\n"), 0);
    answers += isAnswer ? body.length : 0;
  };
  offsets.push(0);
  for await (const { system, turns } of read(name)) {
    const start = ids.length;
    add([BEGIN], 0);
    if (system) message("system", system);
    for (const { user, assistant } of turns) {
      message("user", user);
      message("assistant", assistant);
    }
    offsets.push(ids.length);
    longest = Math.max(longest, ids.length - start);
  }
  ids.write(join(directory, `${name}.ids.u16`));
  weights.write(join(directory, `${name}.weights.u8`));
  offsets.write(join(directory, `${name}.offsets.u32`));
  console.log(
    `${name}: ${offsets.length - 1} conversations, ${ids.length} tokens, ${answers} of answers, longest ${longest}`,
  );
}

const tokenizer = trainTokenizer(await learn(), Number(values.vocab));
writeFileSync(join(directory, "tokenizer.json"), `${JSON.stringify(tokenizer)}\n`);
console.log(`${tokenizer.tokens.length} tokens, ${tokenizer.merges.length} merges`);
const encode = createEncoder(tokenizer);
for (const name of ["train", "first/train", "dev"]) await encodeCorpus(name, encode);
