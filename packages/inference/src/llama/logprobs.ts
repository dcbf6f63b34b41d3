import type { Vocabulary } from "@depinfer/proof";
import { type PositionLogprobs, type TokenLogprob, UNKNOWN_LOGPROB } from "@depinfer/protocol";
import type { Found } from "./evaluate.ts";

/** What is told of one position: the chosen token, and the `count` most probable ones before anything was shaped. */
export function logprobsOf(
  { tokens, logits, logWeight }: Found,
  chosen: number,
  count: number,
  vocabulary: Vocabulary,
): PositionLogprobs {
  const told = (id: number, logit: number | undefined): TokenLogprob => ({
    id,
    text: vocabulary.text(id),
    logprob: logit === undefined || logWeight === null ? UNKNOWN_LOGPROB : Math.min(0, logit - logWeight),
  });
  const at = tokens.indexOf(chosen);
  return {
    ...told(chosen, at < 0 ? undefined : logits[at]),
    top: tokens.slice(0, count).map((token, index) => told(token, logits[index])),
  };
}
