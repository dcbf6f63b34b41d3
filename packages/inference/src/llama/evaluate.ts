import { type Candidates, type ScoredPosition, TOP_K, type Window } from "@depinfer/proof";
import { DepinferError } from "@depinfer/protocol";
import type { BatchItem, LlamaContextSequence, PrioritizedBatchItem, Token } from "node-llama-cpp";
import type { ScoreWatch } from "../engine.ts";

/** The engine's ids carry a nominal type; ours are plain numbers. */
function isToken(value: number): value is Token {
  return Number.isInteger(value) && value >= 0;
}

function toToken(value: number): Token {
  if (!isToken(value)) {
    throw new DepinferError({
      code: "transcript.badToken",
      message: `${value} is not a token id`,
      remedy: "The transcript is corrupt; ask its provider for it again",
    });
  }
  return value;
}

/*
 * No sequence may ever evaluate a single row: attention takes another kernel for one row than for two or more, and its
 * last bits differ. Every other number of rows agrees (`bench exactness`). So each piece of work has an even number of
 * rows, and batches of several sequences are cut at even numbers, which leaves no row alone.
 */

/** Shares a batch between sequences evenly, in pairs of rows. */
export function shareInPairs({ items, size }: { items: readonly BatchItem[]; size: number }): PrioritizedBatchItem[] {
  const shares = items.map((item) => ({ item, processAmount: 0 }));
  let left = size - (size % 2);
  for (let open = shares; left > 0 && open.length > 0; open = open.filter(wantsMore)) {
    for (const share of open.slice(0, left / 2)) {
      share.processAmount += 2;
      left -= 2;
    }
  }
  return shares.filter(({ processAmount }) => processAmount > 0);
}

function wantsMore({ item, processAmount }: PrioritizedBatchItem): boolean {
  return processAmount < item.tokens.length;
}

/** Logits of one position. */
export interface Ask extends Window {
  /** Also the weight of the whole vocabulary, from which probabilities follow. */
  readonly weight?: boolean;
}

/** The best candidates, and where it was asked for, ln of the sum over the vocabulary of e to the logit. */
export interface Found extends Candidates {
  readonly logWeight: number | null;
}

/**
 * Asks for the best logits as they are. Where nothing else is wanted the engine keeps only so many; otherwise it sorts its
 * whole vocabulary. A temperature of 1 divides by nothing; any other would return divided logits.
 */
function asked({ top, also, weight = false }: Ask, everything = weight || also.length > 0, kept = top) {
  return {
    generateNext: {
      logits: { filter: { tokens: also.map(toToken), includeTop: top } },
      ...(weight ? { totalLogitWeight: true } : {}),
      options: { temperature: 1, topK: everything ? 0 : kept, topP: 1, minP: 0, seed: 0 },
    },
  };
}

export const PLAIN_ASK: Ask = { top: TOP_K, also: [] };
const ASKED_PLAIN = asked(PLAIN_ASK);

/**
 * Evaluates a prompt after what the sequence holds and returns the best candidates for what follows it.
 *
 * @param prompt at least one token.
 */
export async function promptCandidates(
  sequence: LlamaContextSequence,
  prompt: readonly number[],
  ask: Ask = PLAIN_ASK,
): Promise<Found> {
  const rows = prompt.map(toToken);
  const last = rows.length - 1;
  const start = sequence.nextTokenIndex;
  const padded = rows.length % 2 === 1;
  const results = await sequence.controlledEvaluate([
    ...rows.map((token, index) => (index === last ? asking(token, ask) : token)),
    ...(padded ? rows.slice(-1) : []),
  ]);
  if (padded) {
    await sequence.eraseContextTokenRanges([{ start: start + rows.length, end: start + rows.length + 1 }]);
  }
  return found(results[last]?.next);
}

/** Evaluates the token that was drawn last and returns the best candidates for what follows it. */
export async function nextCandidates(
  sequence: LlamaContextSequence,
  token: number,
  ask: Ask = PLAIN_ASK,
): Promise<Found> {
  const end = sequence.nextTokenIndex;
  const before = sequence.contextTokens[end - 1];
  if (before === undefined) {
    return promptCandidates(sequence, [token], ask);
  }
  await sequence.eraseContextTokenRanges([{ start: end - 1, end }]);
  const results = await sequence.controlledEvaluate([before, asking(toToken(token), ask)]);
  return found(results[1]?.next);
}

function asking(token: Token, ask: Ask): [Token, ReturnType<typeof asked>] {
  return [token, ask === PLAIN_ASK ? ASKED_PLAIN : asked(ask)];
}

interface NextOutput {
  readonly logits?: ReadonlyMap<Token, number> | undefined;
  /** Sum over the vocabulary of e to the distance from the best logit. */
  readonly totalLogitWeight?: number | undefined;
}

function found({ logits, totalLogitWeight }: NextOutput = {}): Found {
  const tokens = logits === undefined ? [] : [...logits.keys()];
  const values = logits === undefined ? [] : [...logits.values()];
  const best = values[0];
  return {
    tokens,
    logits: values,
    logWeight: totalLogitWeight === undefined || best === undefined ? null : best + Math.log(totalLogitWeight),
  };
}

/** Logits asked for where an answer is scored: enough below the 64th for a token that stood just above it elsewhere. */
const SCORED_TOP = 80;
/** The same for a window of another size. */
const SCORED_BEYOND = 16;
/** Rows between two looks at whether the work is still wanted: whole steps of the engine, so that nothing else changes. */
const ROWS_PER_LOOK = 64;

/**
 * Evaluates prompt and output once and returns the candidates at the asked positions of the output.
 *
 * @param positions positions of the output, ascending; all of them by default.
 * @param window what to find at each; the best 64 and the chosen one by default.
 */
export async function scorePositions(
  sequence: LlamaContextSequence,
  prompt: readonly number[],
  output: readonly number[],
  positions: readonly number[] = [...output.keys()],
  window?: Window,
  { onScored, signal }: ScoreWatch = {},
): Promise<ScoredPosition[]> {
  const first = prompt.length - 1;
  const last = positions.at(-1);
  if (last === undefined) {
    return [];
  }
  const input: (Token | [Token, ReturnType<typeof asked>])[] = [...prompt, ...output.slice(0, last)].map(toToken);
  for (const position of positions) {
    const token = input[first + position];
    const chosen = output[position];
    if (typeof token === "number" && chosen !== undefined) {
      input[first + position] = [token, askedOf(chosen, window)];
    }
  }
  if (input.length % 2 === 1) {
    // A row that nobody reads.
    input.push(toToken(output[last] ?? 0));
  }
  const scored = new Map<number, ScoredPosition>();
  const rows = signal === undefined ? input.length : ROWS_PER_LOOK;
  for (let start = 0; start < input.length; start += rows) {
    signal?.throwIfAborted();
    await sequence.controlledEvaluate(input.slice(start, start + rows), {
      onTokenResult(index, { next: { logits } }) {
        const position = start + index - first;
        const chosen = output[position];
        if (chosen !== undefined && logits !== undefined) {
          const found = scoredPosition(logits, chosen, window === undefined ? TOP_K : logits.size);
          scored.set(position, found);
          onScored?.(position, found);
        }
      },
    });
  }
  return positions.flatMap((position) => scored.get(position) ?? []);
}

function askedOf(chosen: number, window: Window | undefined) {
  return window === undefined
    ? asked({ top: TOP_K, also: [chosen] }, false, SCORED_TOP)
    : asked(
        { top: window.top + SCORED_BEYOND, also: [...window.also, chosen] },
        window.also.length > 0,
        window.top + SCORED_BEYOND,
      );
}

/** The engine lists the best first, and the chosen token once more after them if it is not one of them. */
function scoredPosition(logits: ReadonlyMap<Token, number>, chosen: number, kept: number): ScoredPosition {
  const tokens: number[] = [];
  const values: number[] = [];
  let chosenLogit = Number.NEGATIVE_INFINITY;
  for (const [token, logit] of logits) {
    if (token === chosen) {
      chosenLogit = logit;
    }
    if (tokens.length < kept) {
      tokens.push(token);
      values.push(logit);
    }
  }
  return { tokens, logits: values, chosen, chosenLogit };
}
