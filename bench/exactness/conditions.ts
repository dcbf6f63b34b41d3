import { TOP_K } from "@depinfer/proof";
import type { LlamaContext, LlamaContextSequence, LlamaModel, Token } from "node-llama-cpp";

/*
 * Ways to evaluate the same tokens, each compared with one prefill of prompt and answer: the 64 best logits have to be
 * equal bit for bit. Written against the engine's library itself, since our engine does only what is exact.
 */

export interface ConditionResult {
  readonly condition: string;
  /** Positions compared. */
  readonly positions: number;
  /** Positions at which any of the best logits differs. */
  readonly differing: number;
  /** Nats, over all compared logits. */
  readonly largestDifference: number;
}

/** Tokens with the best logits after them, best first. */
type Best = readonly (readonly [number, number])[];

interface Answer {
  readonly prompt: readonly Token[];
  readonly output: readonly Token[];
  readonly reference: readonly Best[];
}

const MICRO_BATCH = 32;
const ASKED = {
  generateNext: {
    logits: { filter: { tokens: [] as Token[], includeTop: TOP_K } },
    options: { temperature: 1, topK: TOP_K, topP: 1, minP: 0, seed: 0 },
  },
};
const SEQUENCES = 4;
const CONTEXT = 1024;
/** Tokens taken out near the front, as is done when a context is full; the first ones stay, or all is evaluated anew. */
const SHIFTED = 64;
const STAYING = 2;

/** @param prompts token ids of prompts; the longest has to leave room for `length` more. */
export async function measureConditions(
  model: LlamaModel,
  prompts: readonly (readonly Token[])[],
  length: number,
): Promise<ConditionResult[]> {
  const common = { contextSize: CONTEXT, batchSize: MICRO_BATCH, threads: 1 } as const;
  const plain = await model.createContext({ ...common, flashAttention: false });
  const shared = await model.createContext({ ...common, sequences: SEQUENCES, flashAttention: false });
  const flash = await model.createContext({ ...common, flashAttention: true });
  const sequence = plain.getSequence();
  const sequences = Array.from({ length: SEQUENCES }, () => shared.getSequence());
  const answers: Answer[] = [];
  for (const prompt of prompts) {
    const output = await follow(sequence, prompt, length);
    answers.push({ prompt, output, reference: await prefill(sequence, prompt, output) });
  }
  const each = async (work: (answer: Answer) => Promise<readonly Best[]>) => {
    const found: (readonly Best[])[] = [];
    for (const answer of answers) {
      found.push(await work(answer));
    }
    return found;
  };
  const together = (work: (sequence: LlamaContextSequence, answer: Answer) => Promise<readonly Best[]>) =>
    inGroups(answers, sequences, work);
  const results = [
    compare("decode, pairs of rows", answers, await each((answer) => decode(sequence, answer, pairs))),
    compare("decode, one row at a time", answers, await each((answer) => decode(sequence, answer, alone))),
    compare("decode, 4 sequences, pairs of rows", answers, await together((own, answer) => decode(own, answer, pairs))),
    compare("decode, 4 sequences, one row each", answers, await together((own, answer) => decode(own, answer, alone))),
    compare(
      "prefill, 4 answers in one batch",
      answers,
      await together((own, { prompt, output }) => prefill(own, prompt, output)),
    ),
    compare("prompt's first half kept from before", answers, await each((answer) => withKeptPrompt(sequence, answer))),
    compare("flash attention, decode", answers, await each((answer) => decode(flashSequence(flash), answer, pairs))),
    compare("context shifted", ...(await shifted(sequence, answers))),
  ];
  await Promise.all([plain, shared, flash].map((context) => context.dispose()));
  return results;
}

let flashOnly: { readonly context: LlamaContext; readonly sequence: LlamaContextSequence } | undefined;

function flashSequence(context: LlamaContext): LlamaContextSequence {
  if (flashOnly?.context !== context) {
    flashOnly = { context, sequence: context.getSequence() };
  }
  return flashOnly.sequence;
}

type Step = (sequence: LlamaContextSequence, token: Token) => Promise<Best>;

const alone: Step = async (sequence, token) => {
  const [result] = await sequence.controlledEvaluate([[token, ASKED]]);
  return bestOf(result?.next.logits);
};

const pairs: Step = async (sequence, token) => {
  const end = sequence.nextTokenIndex;
  const before = sequence.contextTokens[end - 1];
  if (before === undefined) {
    return alone(sequence, token);
  }
  await sequence.eraseContextTokenRanges([{ start: end - 1, end }]);
  const results = await sequence.controlledEvaluate([before, [token, ASKED]]);
  return bestOf(results[1]?.next.logits);
};

/** An answer that takes the second best token now and then, so that it does not run into a loop. */
async function follow(sequence: LlamaContextSequence, prompt: readonly Token[], length: number): Promise<Token[]> {
  await sequence.clearHistory();
  let best = await evaluate(sequence, prompt);
  const output: Token[] = [];
  while (output.length < length) {
    const token = toToken(best[output.length % 5 === 4 ? 1 : 0]?.[0]);
    output.push(token);
    best = await pairs(sequence, token);
  }
  return output;
}

async function evaluate(sequence: LlamaContextSequence, tokens: readonly Token[]): Promise<Best> {
  const last = tokens.length - 1;
  const padded = tokens.length % 2 === 1;
  const start = sequence.nextTokenIndex;
  const results = await sequence.controlledEvaluate([
    ...tokens.map((token, index): Token | [Token, typeof ASKED] => (index === last ? [token, ASKED] : token)),
    ...(padded ? tokens.slice(-1) : []),
  ]);
  if (padded) {
    await sequence.eraseContextTokenRanges([{ start: start + tokens.length, end: start + tokens.length + 1 }]);
  }
  return bestOf(results[last]?.next.logits);
}

async function decode(sequence: LlamaContextSequence, { prompt, output }: Answer, step: Step): Promise<Best[]> {
  await sequence.clearHistory();
  const found = [await evaluate(sequence, prompt)];
  for (const token of output.slice(0, -1)) {
    found.push(await step(sequence, token));
  }
  return found;
}

async function prefill(
  sequence: LlamaContextSequence,
  prompt: readonly Token[],
  output: readonly Token[],
): Promise<Best[]> {
  await sequence.clearHistory();
  return scored(sequence, prompt, output);
}

/** Evaluates what the sequence does not hold yet of a prompt and its answer. */
async function scored(
  sequence: LlamaContextSequence,
  prompt: readonly Token[],
  output: readonly Token[],
): Promise<Best[]> {
  const first = prompt.length - 1;
  const input = [...prompt, ...output.slice(0, -1)];
  const rows = input.map((token, index): Token | [Token, typeof ASKED] => (index < first ? token : [token, ASKED]));
  const results = await sequence.controlledEvaluate(input.length % 2 === 1 ? [...rows, ...output.slice(-1)] : rows);
  return results.slice(first, input.length).map((result) => bestOf(result?.next.logits));
}

async function withKeptPrompt(sequence: LlamaContextSequence, { prompt, output }: Answer): Promise<Best[]> {
  const kept = prompt.length >> 1;
  await sequence.clearHistory();
  await evaluate(sequence, [...prompt.slice(0, kept), ...output.slice(0, 6)]);
  await sequence.eraseContextTokenRanges([{ start: kept, end: sequence.nextTokenIndex }]);
  return scored(sequence, prompt.slice(kept), output);
}

/** Takes the first tokens away and goes on, against a fresh evaluation of what is left. */
async function shifted(
  sequence: LlamaContextSequence,
  answers: readonly Answer[],
): Promise<[readonly Answer[], readonly (readonly Best[])[]]> {
  const found: (readonly Best[])[] = [];
  const fresh: Answer[] = [];
  for (const { prompt, output } of answers) {
    const half = output.length >> 1;
    const before = [...prompt, ...output.slice(0, half)];
    const after = output.slice(half);
    const taken = Math.min(SHIFTED, before.length - 2 * STAYING);
    await sequence.clearHistory();
    await evaluate(sequence, before);
    await sequence.eraseContextTokenRanges([{ start: STAYING, end: STAYING + taken }]);
    const best: Best[] = [];
    for (const token of after) {
      best.push(await pairs(sequence, token));
    }
    found.push(best);
    const left = [...before.slice(0, STAYING), ...before.slice(STAYING + taken)];
    const reference = await prefill(sequence, [...left, ...after.slice(0, 1)], [...after.slice(1), ...after.slice(-1)]);
    fresh.push({ prompt: left, output: after, reference });
  }
  return [fresh, found];
}

async function inGroups(
  answers: readonly Answer[],
  sequences: readonly LlamaContextSequence[],
  work: (sequence: LlamaContextSequence, answer: Answer) => Promise<readonly Best[]>,
): Promise<(readonly Best[])[]> {
  const found: (readonly Best[])[] = [];
  for (let start = 0; start < answers.length; start += sequences.length) {
    const group = answers.slice(start, start + sequences.length);
    found.push(
      ...(await Promise.all(
        sequences.flatMap((sequence, index) => {
          const answer = group[index];
          return answer === undefined ? [] : [work(sequence, answer)];
        }),
      )),
    );
  }
  return found;
}

function compare(condition: string, answers: readonly Answer[], found: readonly (readonly Best[])[]): ConditionResult {
  let positions = 0;
  let differing = 0;
  let largestDifference = 0;
  answers.forEach(({ reference }, answer) => {
    reference.forEach((wanted, position) => {
      const logits = new Map(found[answer]?.[position] ?? []);
      const difference = Math.max(
        ...wanted.map(([token, logit]) => Math.abs((logits.get(token) ?? logit + 1) - logit)),
      );
      positions += 1;
      differing += difference > 0 ? 1 : 0;
      largestDifference = Math.max(largestDifference, difference);
    });
  });
  return { condition, positions, differing, largestDifference };
}

function bestOf(logits: ReadonlyMap<Token, number> | undefined): Best {
  return [...(logits ?? [])];
}

function isToken(value: number | undefined): value is Token {
  return value !== undefined && Number.isInteger(value) && value >= 0;
}

function toToken(value: number | undefined): Token {
  if (!isToken(value)) {
    throw new RangeError(`${value} is not a token id`);
  }
  return value;
}
