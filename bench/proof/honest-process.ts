import { createLlamaEngine } from "@depinfer/inference";
import {
  addTranscript,
  calibrationFor,
  FALSE_POSITIVE_RATE,
  type HonestCounts,
  NO_COUNTS,
  type PositionMargin,
  summarise,
} from "@depinfer/proof";
import { z } from "zod";
import { embeddedModels } from "../../apps/cli/src/home.ts";
import { serveWorker } from "../measure/serve-worker.ts";
import { SIZES } from "./detection.ts";
import { collect, isCaught } from "./stream.ts";

/*
 * Honest answers of the embedded model's class, scored in a process of its own so that they and the cheats each have a
 * core. Keeps counts, not answers: a million of them would not fit.
 */

const order = z.object({ name: z.string(), tokens: z.number(), concurrency: z.number() });

let counts: HonestCounts = NO_COUNTS;
let running: Promise<void> = Promise.resolve();
const enough = new AbortController();
const windows = SIZES.map((size) => ({ size, open: [] as PositionMargin[], windows: 0, falsePositives: 0 }));

serveWorker({
  async begin(argument: unknown) {
    const { name, tokens, concurrency } = order.parse(argument);
    const engine = await createLlamaEngine({ modelPath: embeddedModels.tiny, slots: concurrency, contextLength: 1024 });
    const calibration = calibrationFor(engine.description.classId);
    running = collect(
      {
        verifier: engine,
        answer: (request, onDelta) => engine.generate(request, onDelta),
        name,
        tokens,
        concurrency,
        signal: enough.signal,
      },
      (transcript) => {
        counts = addTranscript(counts, transcript);
        for (const window of windows) {
          for (const position of transcript) {
            window.open.push(position);
            if (window.open.length === window.size) {
              window.windows += 1;
              window.falsePositives += isCaught(summarise(window.open), calibration, FALSE_POSITIVE_RATE) ? 1 : 0;
              window.open = [];
            }
          }
        }
      },
    ).then(() => engine.dispose());
    return null;
  },
  progress: async () => counts.tokens,
  async enough() {
    enough.abort();
    return null;
  },
  async finish() {
    await running;
    return {
      counts,
      windows: windows.map(({ size, windows: total, falsePositives }) => ({ size, windows: total, falsePositives })),
    };
  },
});
