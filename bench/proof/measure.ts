import { type Calibration, type HonestCounts, honestCountsSchema } from "@depinfer/proof";
import { z } from "zod";
import { ADVERSARY_ZOO, type Adversary, type Laboratory } from "../../simulation/adversaries/index.ts";
import { startWorker } from "../measure/worker.ts";
import { collect, type Transcript } from "./stream.ts";
import { FLOORS } from "./targets.ts";

/** Temperatures of the buyers: all kinds, or always 1. */
export const SETTINGS = { mixed: undefined, "1": [1] } as const;
export type Setting = keyof typeof SETTINGS;

/** How much is measured. */
export interface Extent {
  readonly honestTokens: number;
  /** Of each cheat, in each setting. */
  readonly adversaryTokens: number;
  readonly adversaries: readonly string[];
  readonly settings: readonly Setting[];
  readonly concurrency: number;
}

export const FULL: Extent = {
  honestTokens: 1_050_000,
  adversaryTokens: 20_000,
  adversaries: ADVERSARY_ZOO.map(({ name }) => name),
  settings: ["mixed", "1"],
  concurrency: 8,
};
/** For continuous integration: one cheat of each kind. */
export const QUICK: Extent = {
  honestTokens: 12_000,
  adversaryTokens: 3_000,
  adversaries: FLOORS.map(({ adversary }) => adversary),
  settings: ["1"],
  concurrency: 8,
};

/** Names of the tasks: never those of the calibration, so that every token here is held out. */
const HELD_OUT = "held out";

export interface AdversaryRun {
  readonly adversary: Adversary;
  readonly setting: Setting;
  readonly transcripts: readonly Transcript[];
}

export interface HonestRun {
  readonly counts: HonestCounts;
  readonly windows: readonly { readonly size: number; readonly windows: number; readonly falsePositives: number }[];
}

const honestRun = z.object({
  counts: honestCountsSchema,
  windows: z.array(z.object({ size: z.number(), windows: z.number(), falsePositives: z.number() })),
});

const PROGRESS_MS = 10_000;

/** Honest answers, in a process beside this one. */
export async function startHonest({ honestTokens, concurrency }: Extent, progress: (text: string) => void) {
  const worker = await startWorker(new URL("honest-process.ts", import.meta.url));
  await worker.call("begin", { name: HELD_OUT, tokens: honestTokens, concurrency }, z.unknown());
  const timer = setInterval(() => {
    worker.call("progress", null, z.number()).then(
      (tokens) =>
        tokens < honestTokens ? progress(`honest: ${tokens} of ${honestTokens} tokens`) : clearInterval(timer),
      () => clearInterval(timer),
    );
  }, PROGRESS_MS);
  return {
    /** Ends with what was measured so far. */
    enough: () => worker.call("enough", null, z.unknown()),
    async finish(): Promise<HonestRun> {
      try {
        return await worker.call("finish", null, honestRun);
      } finally {
        clearInterval(timer);
        await worker.stop();
      }
    },
  };
}

export async function measureAdversaries(
  laboratory: Laboratory,
  { adversaries, adversaryTokens, settings, concurrency }: Extent,
  progress: (text: string) => void,
  signal: AbortSignal | undefined,
): Promise<AdversaryRun[]> {
  const runs: AdversaryRun[] = [];
  for (const adversary of ADVERSARY_ZOO.filter(({ name }) => adversaries.includes(name))) {
    const answer = await adversary.open(laboratory);
    for (const setting of settings) {
      progress(`${adversary.name}, temperature ${setting}`);
      const transcripts: Transcript[] = [];
      await collect(
        {
          verifier: laboratory.honest,
          answer,
          name: `${HELD_OUT}/${adversary.name}/${setting}`,
          ...(SETTINGS[setting] === undefined ? {} : { temperatures: SETTINGS[setting] }),
          applies: adversary.applies,
          tokens: adversaryTokens,
          concurrency,
          signal,
        },
        (transcript) => transcripts.push(transcript),
      );
      runs.push({ adversary, setting, transcripts });
    }
  }
  return runs;
}

/** Honest answers that are kept, to be mixed with cheated ones. */
export async function honestPool({ honest }: Laboratory, tokens: number, concurrency: number): Promise<Transcript[]> {
  const transcripts: Transcript[] = [];
  await collect(
    {
      verifier: honest,
      answer: (request, onDelta) => honest.generate(request, onDelta),
      name: `${HELD_OUT}/pool`,
      tokens,
      concurrency,
    },
    (transcript) => transcripts.push(transcript),
  );
  return transcripts;
}

/** Ends the run when the calibration is not one: every rate below would be of nothing. */
export function requireCalibration(calibration: Calibration): Calibration {
  if (calibration.classId === null) {
    throw new RangeError("The embedded model's class is not calibrated on this machine; run `depinfer calibrate`");
  }
  return calibration;
}
