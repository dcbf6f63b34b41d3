import { DepinferError } from "@depinfer/protocol";
import type { Decoder } from "./decoders.ts";
import { createRandom, mutate } from "./mutate.ts";

/** What many bad inputs did to a decoder. */
export interface FuzzOutcome {
  readonly name: string;
  readonly inputs: number;
  /** Inputs that were good after all. */
  readonly taken: number;
  /** Inputs that were refused with a typed error. */
  readonly refused: number;
  /** What was neither, with the input, base64; at most ten. */
  readonly faults: readonly string[];
  /** The longest that one input took. */
  readonly slowestMs: number;
}

/** Milliseconds above which reading one small input is a fault: somebody could send many of them. */
const SLOW_MS = 1_000;
const MOST_FAULTS = 10;

export async function fuzz({ name, good, decode }: Decoder, inputs: number, seed: number): Promise<FuzzOutcome> {
  const random = createRandom(seed);
  const faults: string[] = [];
  let [taken, refused, slowestMs] = [0, 0, 0];
  for (let input = 0; input < inputs; input++) {
    // Now and then the good ones themselves, which have to be taken.
    const whole = input < good.length ? good[input] : undefined;
    const bytes = whole ?? mutate(good, random);
    const started = performance.now();
    const fault = await faultOf(decode, bytes);
    const tookMs = performance.now() - started;
    slowestMs = Math.max(slowestMs, tookMs);
    if (fault === null) {
      taken += 1;
    } else if (fault instanceof DepinferError && whole === undefined) {
      refused += 1;
    } else if (faults.length < MOST_FAULTS) {
      faults.push(`${String(fault)} for ${Buffer.from(bytes).toString("base64").slice(0, 2_000)}`);
    }
    if (tookMs > SLOW_MS && faults.length < MOST_FAULTS) {
      faults.push(`${Math.round(tookMs)} ms for ${Buffer.from(bytes).toString("base64").slice(0, 2_000)}`);
    }
  }
  return { name, inputs, taken, refused, faults, slowestMs };
}

async function faultOf(decode: Decoder["decode"], bytes: Uint8Array): Promise<unknown> {
  try {
    await decode(bytes);
    return null;
  } catch (error) {
    return error ?? new Error("nothing was thrown");
  }
}
