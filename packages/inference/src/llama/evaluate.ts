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

/** Evaluates `tokens` and returns the best candidates for what follows the last of them. */
export async function nextCandidates(sequence: LlamaContextSequence, tokens: readonly number[]): Promise<Candidates> {
  const last = tokens.length - 1;
  const results = await sequence.controlledEvaluate(
    tokens.map((token, index) =>
      index === last
        ? [toToken(token), { generateNext: { logits: { filter: { tokens: [], includeTop: TOP_K } } } }]
        : toToken(token),
    ),
  );
  const logits = results[last]?.next.logits;
  return { tokens: [...(logits?.keys() ?? [])], logits: [...(logits?.values() ?? [])] };
}

/** Evaluates prompt and output once and returns the candidates at every position of the output. */
export async function scorePositions(
  sequence: LlamaContextSequence,
  prompt: readonly number[],
  output: readonly number[],
): Promise<ScoredPosition[]> {
  const first = prompt.length - 1;
  const input = [...prompt, ...output.slice(0, -1)];
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
