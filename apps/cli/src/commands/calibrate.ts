import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { arch, cpus, platform } from "node:os";
import { dirname } from "node:path";
import {
  type CpuLibrary,
  createLlamaEngine,
  type ScoringEngine,
  scoreTranscripts,
  TASKS_DESCRIPTION,
  TEMPERATURES,
  taskAt,
} from "@depinfer/inference";
import {
  addTranscript,
  type CalibrationFile,
  calibrationFileSchema,
  calibrationOf,
  type HonestCounts,
  MARGIN_OPTIONS,
  NO_COUNTS,
} from "@depinfer/proof";
import { DepinferError } from "@depinfer/protocol";
import { calibrationPath } from "../calibration-file.ts";
import { embeddedModels } from "../home.ts";
import { resolveModel } from "../model-file.ts";
import { writeWhole } from "../network-file.ts";

export interface CalibrateOptions {
  readonly model?: string;
  /** GGUF file of the cheapest way to cheat that a pass shall rule out: the same model at lower precision. */
  readonly cheaper?: string;
  readonly cpuLibrary?: CpuLibrary;
  readonly tokens: number;
  /** Name of the tasks. */
  readonly tasks: string;
  readonly out?: string;
  readonly home: string;
  readonly json: boolean;
}

/** One of the two things that are measured. */
interface Part {
  /** Name of its tasks. */
  readonly name: string;
  /** What was measured before. */
  readonly counts: HonestCounts;
  readonly firstTask: number;
  /** Tokens that there shall be in the end. */
  readonly tokens: number;
  readonly signal?: AbortSignal;
}

/** Requests under way at once. They share the engine's steps, which makes the run faster and changes no bit. */
const CONCURRENCY = 8;
const CONTEXT = 1024;
/** The cheat's rate needs fewer tokens than the honest one, which is about rare events. */
const CHEAT_SHARE = 0.05;
const LEAST_CHEATED = 1_000;
const PROGRESS_MS = 2_000;

/**
 * `depinfer calibrate [CLASS]`: measures what honest answers of a runtime class look like to a verifier of that class,
 * then those of a cheat. The first Ctrl-C ends the honest part with what was measured, which is kept and added to when
 * the command is run again; the second gives up.
 */
export async function calibrate(wanted: string | undefined, options: CalibrateOptions): Promise<void> {
  const engineOptions = {
    slots: CONCURRENCY,
    contextLength: CONTEXT,
    ...(options.cpuLibrary === undefined ? {} : { cpuLibrary: options.cpuLibrary }),
  };
  const verifier = await createLlamaEngine({ modelPath: await resolveModel(options.model), ...engineOptions });
  const { classId, runtimeClass } = verifier.description;
  requireClass(wanted, verifier);
  const cheaperPath = cheaperWeights(options, runtimeClass.weights, verifier);
  const out = options.out ?? calibrationPath(options.home, classId);
  const earlier = readEarlier(out, classId, options.tasks);
  const interrupt = new AbortController();
  process.once("SIGINT", () => {
    interrupt.abort();
    process.once("SIGINT", () => process.exit(130));
  });
  const progress = createProgress();

  async function measure(provider: ScoringEngine, part: Part): Promise<{ counts: HonestCounts; nextTask: number }> {
    let { counts } = part;
    const nextTask = await scoreTranscripts({
      verifier,
      answer: (request, onDelta) => provider.generate(request, onDelta),
      tasks: (index) => taskAt(part.name, index),
      firstTask: part.firstTask,
      margin: MARGIN_OPTIONS,
      tokens: part.tokens - counts.tokens,
      concurrency: CONCURRENCY,
      ...(part.signal === undefined ? {} : { signal: part.signal }),
      onTranscript({ positions }) {
        counts = addTranscript(counts, positions);
        progress(part.name, counts, part.tokens);
      },
    });
    return { counts, nextTask };
  }

  try {
    const honest = await measure(verifier, {
      name: options.tasks,
      counts: earlier?.honest ?? NO_COUNTS,
      firstTask: earlier?.provenance.nextTask ?? 0,
      tokens: options.tokens,
      signal: interrupt.signal,
    });
    const cheaper = await createLlamaEngine({ modelPath: cheaperPath, ...engineOptions });
    const { quantisation } = cheaper.description.runtimeClass;
    const cheated = earlier?.weakestCheat.counts ?? NO_COUNTS;
    const weakest = await measure(cheaper, {
      name: `${options.tasks}/cheaper`,
      counts: cheated,
      // Those that were under way at the end are not used again.
      firstTask: cheated.transcripts === 0 ? 0 : cheated.transcripts + CONCURRENCY,
      tokens: Math.max(LEAST_CHEATED, honest.counts.tokens * CHEAT_SHARE),
    });
    await cheaper.dispose();
    const file: CalibrationFile = {
      format: "depinfer/calibration/1",
      classId,
      runtimeClass,
      margin: { ...MARGIN_OPTIONS },
      honest: honest.counts,
      weakestCheat: { name: `weights of precision ${quantisation}`, counts: weakest.counts },
      provenance: {
        at: new Date().toISOString(),
        machine: `${cpus()[0]?.model ?? "unknown processor"}, ${platform()}-${arch()}, Node ${process.version}`,
        tasks: options.tasks,
        nextTask: honest.nextTask,
        temperatures: [...new Set(TEMPERATURES)],
        prompts: TASKS_DESCRIPTION,
      },
    };
    mkdirSync(dirname(out), { recursive: true });
    await writeWhole(out, `${JSON.stringify(file, null, 2)}\n`);
    report(file, out, options.json, interrupt.signal.aborted);
  } finally {
    await verifier.dispose();
  }
}

function requireClass(wanted: string | undefined, { description }: ScoringEngine): void {
  if (wanted !== undefined && !description.classId.startsWith(wanted)) {
    const { quantisation, engine, backend } = description.runtimeClass;
    throw new DepinferError({
      code: "calibrate.otherClass",
      message: `This machine computes class ${description.classId} (${quantisation}, ${engine}, ${backend}), not ${wanted}`,
      remedy: "Calibrate a class on a machine of that class, with --model and --cpu-library as its providers have them",
      metadata: { wanted, have: description.classId },
    });
  }
}

function cheaperWeights({ cheaper, model }: CalibrateOptions, weights: string, verifier: ScoringEngine): string {
  if (cheaper !== undefined) {
    return cheaper;
  }
  if (model === undefined) {
    return embeddedModels.tinyLowPrecision;
  }
  throw new DepinferError({
    code: "calibrate.cheaperMissing",
    message: `It is not known how a provider of ${verifier.description.model} would cheat most cheaply`,
    remedy: "Pass the same model at the next lower precision with --cheaper FILE",
    metadata: { weights },
  });
}

/** What an earlier run measured, if it used the same tasks. */
function readEarlier(path: string, classId: string, tasks: string): CalibrationFile | null {
  if (!existsSync(path)) {
    return null;
  }
  const parsed = calibrationFileSchema.safeParse(JSON.parse(readFileSync(path, "utf8")));
  if (!parsed.success || parsed.data.classId !== classId || parsed.data.provenance.tasks !== tasks) {
    throw new DepinferError({
      code: "calibrate.otherFile",
      message: `${path} is not a calibration of class ${classId} with the tasks "${tasks}"`,
      remedy: "Pass another file with --out, or delete it",
      metadata: { path },
    });
  }
  return parsed.data;
}

function createProgress(): (name: string, counts: HonestCounts, wanted: number) => void {
  let shown = performance.now();
  let since = { name: "", tokens: 0, at: shown };
  return (name, { tokens, mismatches, informative }, wanted) => {
    const now = performance.now();
    if (since.name !== name) {
      since = { name, tokens, at: now };
    }
    if (now - shown < PROGRESS_MS) {
      return;
    }
    shown = now;
    const rate = (tokens - since.tokens) / (now - since.at);
    const minutes = Math.ceil(Math.max(0, wanted - tokens) / Math.max(rate, 1e-6) / 60_000);
    console.error(
      `${name}: ${tokens} of ${Math.round(wanted)} tokens, ${informative} informative, ${mismatches} mismatches, about ${minutes} min left`,
    );
  };
}

function report(file: CalibrationFile, out: string, json: boolean, interrupted: boolean): void {
  const { honest, weakestCheat } = file;
  const bounds = calibrationOf(file);
  if (json) {
    console.log(JSON.stringify({ ...file, bounds, out, interrupted }));
    return;
  }
  console.log(`${interrupted ? "Interrupted; what was measured is kept" : "Calibrated"}  class ${file.classId}`);
  console.log(
    `  honest      ${honest.mismatches} mismatches in ${honest.tokens} tokens (${honest.informative} informative)`,
  );
  console.log(
    `              at most ${bounds.honestMismatchRate.toExponential(2)} per informative token, ${bounds.honestMeanMargin.toExponential(2)} nats`,
  );
  console.log(`  cheapest    ${weakestCheat.name}: ${bounds.weakestCheatRate.toFixed(4)} per informative token`);
  console.log(`  written to  ${out}`);
}
