import { z } from "zod";

/*
 * Token ids and log-probabilities as servers put them into the choices of a stream. There are four shapes:
 *
 *   token_ids on the choice                        vLLM with `return_token_ids`
 *   logprobs.content[].token = "token_id:123"      vLLM with `return_tokens_as_token_ids`, chat
 *   logprobs.tokens[] = "token_id:123"             the same for completions, values in `token_logprobs`
 *   logprobs.content[].id                          llama-server
 *
 * Tokens as text are no evidence: several cuts give one text, and only one of them was computed.
 */

const id = z.int().min(0).max(0xffff_ffff);
const entry = z.object({ id: id.optional(), token: z.string().optional(), logprob: z.number().nullish() });
const listed = z.object({ content: z.array(entry) });
const parallel = z.object({
  tokens: z.array(z.string()),
  token_logprobs: z.array(z.number().nullable()).nullish(),
});
const choice = z.object({
  token_ids: z.array(id).nullish(),
  logprobs: z.union([listed, parallel]).nullish(),
});

export interface TokenEvidence {
  /** Ids of the tokens of this piece; empty where the server does not tell them. */
  readonly ids: readonly number[];
  /** Nats, one per id; null where one is missing. */
  readonly logprobs: readonly number[] | null;
}

const NOTHING: TokenEvidence = { ids: [], logprobs: null };

/** What one choice of a chunk says of its tokens. Never throws: what cannot be read is no evidence. */
export function tokenEvidence(value: unknown): TokenEvidence {
  const parsed = choice.safeParse(value);
  if (!parsed.success) {
    return NOTHING;
  }
  const { token_ids: direct, logprobs } = parsed.data;
  const entries = logprobs === null || logprobs === undefined ? [] : entriesOf(logprobs);
  const named = entries.map((each) => each.id ?? idInName(each.token));
  const ids = direct ?? (named.every((found) => found !== undefined) ? named : []);
  const values = entries.map((each) => each.logprob);
  const complete = ids.length > 0 && values.length === ids.length && values.every(isNumber);
  return { ids: ids.filter(isNumber), logprobs: complete ? values.filter(isNumber) : null };
}

function entriesOf(logprobs: z.output<typeof listed> | z.output<typeof parallel>): z.output<typeof entry>[] {
  return "content" in logprobs
    ? logprobs.content
    : logprobs.tokens.map((token, index) => ({ token, logprob: logprobs.token_logprobs?.[index] }));
}

function idInName(token: string | undefined): number | undefined {
  const digits = /^token_id:(\d{1,10})$/.exec(token ?? "")?.[1];
  const found = id.safeParse(digits === undefined ? undefined : Number(digits));
  return found.success ? found.data : undefined;
}

function isNumber(value: number | null | undefined): value is number {
  return value !== null && value !== undefined;
}
