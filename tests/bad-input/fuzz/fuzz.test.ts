import { expect, test } from "vitest";
import { DECODERS } from "./decoders.ts";
import { fuzz } from "./run.ts";

/* Some thousands of bad inputs for each decoder; `long.ts` beside this file makes millions. */

const INPUTS = 3_000;
const SEED = 20_261_122;

test.each(DECODERS)(
  "$name takes what is good and refuses the rest with a typed error",
  async (decoder) => {
    const { faults, taken, refused } = await fuzz(decoder, INPUTS, SEED);
    expect(faults).toEqual([]);
    expect(taken).toBeGreaterThan(0);
    expect(taken + refused).toBe(INPUTS);
  },
  120_000,
);
