import { type PositionLogprobs, type TokenLogprob, UNKNOWN_LOGPROB } from "@depinfer/protocol";
import { z } from "zod";

/* What a server tells of the tokens of one piece, as everybody else tells it. */

const value = z.number().nullish();
const entry = z.object({
  token: z.string(),
  logprob: value,
  bytes: z.array(z.int()).nullish(),
  id: z.int().optional(),
});
const listed = z.object({ content: z.array(entry.extend({ top_logprobs: z.array(entry).nullish() })) });
const parallel = z.object({
  tokens: z.array(z.string()),
  token_logprobs: z.array(value).nullish(),
  top_logprobs: z.array(z.record(z.string(), z.number()).nullable()).nullish(),
});
const choice = z.object({ logprobs: z.union([listed, parallel]) });

/** One for each id, or undefined where the server tells something else. Ids of alternatives are told by few; 0 is none. */
export function upstreamLogprobs(
  told: unknown,
  ids: readonly number[],
  count: number,
): readonly PositionLogprobs[] | undefined {
  const parsed = choice.safeParse(told);
  if (!parsed.success) {
    return undefined;
  }
  const { logprobs } = parsed.data;
  const positions = "content" in logprobs ? logprobs.content.map(listedPosition) : parallelPositions(logprobs);
  return positions.length === ids.length
    ? positions.map((position, index) => ({ ...position, id: ids[index] ?? 0, top: position.top.slice(0, count) }))
    : undefined;
}

function listedPosition({
  top_logprobs: top,
  ...chosen
}: z.output<typeof listed>["content"][number]): PositionLogprobs {
  return { ...tokenOf(chosen), top: (top ?? []).map(tokenOf) };
}

function tokenOf({ token, logprob, bytes, id = 0 }: z.output<typeof entry>): TokenLogprob {
  return {
    id,
    text: token,
    ...(bytes === null || bytes === undefined ? {} : { bytes }),
    logprob: Math.min(0, logprob ?? UNKNOWN_LOGPROB),
  };
}

function parallelPositions({ tokens, token_logprobs: values, top_logprobs: top }: z.output<typeof parallel>) {
  return tokens.map(
    (text, index): PositionLogprobs => ({
      id: 0,
      text,
      logprob: Math.min(0, values?.[index] ?? UNKNOWN_LOGPROB),
      top: Object.entries(top?.[index] ?? {})
        .map(([each, logprob]) => ({ id: 0, text: each, logprob: Math.min(0, logprob) }))
        .toSorted((a, b) => b.logprob - a.logprob),
    }),
  );
}
