import { z } from "zod";

/*
 * LOGPROBS payload: JSON, one entry for each token of the DATA frame that follows. Values are natural logarithms of the
 * softmax over the whole vocabulary at temperature 1, before anything shapes the choice. They are told, not proven: no
 * receipt covers them.
 */

/** Stands for "less probable than everything that was looked at". */
export const UNKNOWN_LOGPROB = -9999;

/** One token and how probable it was. */
export interface TokenLogprob {
  readonly id: number;
  readonly text: string;
  /** Where the token is no whole character: its UTF-8 bytes. */
  readonly bytes?: readonly number[] | undefined;
  readonly logprob: number;
}

/** The token that was chosen at one position, and the most probable ones, best first. */
export interface PositionLogprobs extends TokenLogprob {
  readonly top: readonly TokenLogprob[];
}

const token = {
  id: z.int().min(0).max(0xffff_ffff),
  text: z.string().max(10_000),
  bytes: z.array(z.int().min(0).max(255)).max(10_000).optional(),
  logprob: z.number().max(0.001),
};

export const logprobsSchema = z
  .array(z.strictObject({ ...token, top: z.array(z.strictObject(token)).max(20) }))
  .max(65_535);
