import { z } from "zod";

/* Kinds of values that several APIs answer with and ask for. */

export const count = z.int().min(0);
/** Ms since 1970, or a duration in ms. */
export const milliseconds = z.int().min(0);
/** A part of a whole. */
export const share = z.number().min(0).max(1);
export const nothing = z.object({});

/** A whole number in a query; the message says what to give instead. */
export function whole(least: number, most: number) {
  const error = `Give a whole number from ${least} to ${most}`;
  return z.coerce.number<number | string>(error).int(error).min(least, error).max(most, error);
}

/** A time in a query, ms since 1970. */
export const time = whole(0, 8_640_000_000_000_000).optional();
