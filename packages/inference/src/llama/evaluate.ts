import { type Candidates, type ScoredPosition, TOP_K } from "@depinfer/proof";
import { DepinferError } from "@depinfer/protocol";
import type { LlamaContextSequence, Token } from "node-llama-cpp";

/**
 * The engine's ids carry a nominal type; ours are plain numbers.
 * Passing `temperature` to the engine would return divided, truncated logits, so nothing but the filter is passed.
 */
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
 * No step of the engine may evaluate a single row: without flash attention one row takes another kernel for attention
 * than two or more do, and its last bits differ. Sizes from 2 to 128 rows agreed exactly with the small models that were
 * tried on one processor, so a single row is always evaluated together with the row before it.
 */

/** Evaluates `tokens` after what the sequence holds and returns the best candidates for what follows the last of them. */
export async function nextCandidates(
  sequence: LlamaContextSequence,
  tokens: readonly number[],
  microBatch: number,
): Promise<Candidates> {
  const step = await withoutLoneRow(sequence, tokens, microBatch);
  const last = step.length - 1;
  const results = await sequence.controlledEvaluate(
    step.map((token, index) =>
      index === last ? [token, { generateNext: { logits: { filter: { tokens: [], includeTop: TOP_K } } } }] : token,
    ),
  );
  const logits = results[last]?.next.logits;
  return { tokens: [...(logits?.keys() ?? [])], logits: [...(logits?.values() ?? [])] };
}

/** What to evaluate so that the last step has two rows: the row before is taken back, or left over from a prompt. */
async function withoutLoneRow(
  sequence: LlamaContextSequence,
  tokens: readonly number[],
  microBatch: number,
): Promise<Token[]> {
  const rows = tokens.map(toToken);
  if (rows.length % microBatch !== 1) {
    return rows;
  }
  if (rows.length > 1) {
    await sequence.evaluateWithoutGeneratingNewTokens(rows.slice(0, -2));
    return rows.slice(-2);
  }
  const end = sequence.nextTokenIndex;
  const before = sequence.contextTokens[end - 1];
  if (before === undefined) {
    // The first row of all attends to itself alone, which every kernel computes alike.
    return rows;
  }
  await sequence.eraseContextTokenRanges([{ start: end - 1, end }]);
  return [before, ...rows];
}

/** Evaluates prompt and output once and returns the candidates at every position of the output. */
export async function scorePositions(
  sequence: LlamaContextSequence,
  prompt: readonly number[],
  output: readonly number[],
  microBatch: number,
): Promise<ScoredPosition[]> {
  const first = prompt.length - 1;
  const input = [...prompt, ...output.slice(0, -1)];
  if (input.length % microBatch === 1) {
    // A row that nobody reads, so that the last one that counts is not alone.
    input.push(input.at(-1) ?? 0);
  }
  const scored: ScoredPosition[] = [];
  await sequence.controlledEvaluate(
    input.map((token, index) => {
      const chosen = output[index - first];
      return index < first || chosen === undefined
        ? toToken(token)
        : [toToken(token), { generateNext: { logits: { filter: { tokens: [toToken(chosen)], includeTop: TOP_K } } } }];
    }),
    {
      onTokenResult(index, result) {
        const chosen = output[index - first];
        if (chosen !== undefined && result.next.logits !== undefined) {
          scored[index - first] = scoredPosition(result.next.logits, chosen);
        }
      },
    },
  );
  return scored;
}

function scoredPosition(logits: ReadonlyMap<Token, number>, chosen: number): ScoredPosition {
  const ranked = [...logits].sort((a, b) => b[1] - a[1]).slice(0, TOP_K);
  return {
    tokens: ranked.map(([token]) => token),
    logits: ranked.map(([, logit]) => logit),
    chosen,
    chosenLogit: [...logits].find(([token]) => token === chosen)?.[1] ?? Number.NEGATIVE_INFINITY,
  };
}
