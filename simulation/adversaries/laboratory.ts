import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createLlamaEngine, type KeyCacheType, type ScoringEngine } from "@depinfer/inference";
import type { createSampler } from "@depinfer/proof";
import { DepinferError, errorMessage } from "@depinfer/protocol";
import { embeddedModels } from "../../apps/cli/src/home.ts";

/** Precisions below q8_0, which the embedded model's class has, best first. */
export const LOWER_PRECISIONS = ["q6_k", "q5_k_m", "q4_k_m", "q4_0", "q3_k_m", "q2_k"] as const;
export type LowerPrecision = (typeof LOWER_PRECISIONS)[number];

/** The engines that honest and dishonest providers of the embedded model run, opened when they are first asked for. */
export interface Laboratory {
  /** The class that is sold, and the verifier. */
  readonly honest: ScoringEngine;
  smaller(): Promise<ScoringEngine>;
  /** @throws DepinferError `laboratory.noQuantiser` when the weights cannot be made here. */
  lowerPrecision(precision: LowerPrecision): Promise<ScoringEngine>;
  keyCache(type: Exclude<KeyCacheType, "f16">): Promise<ScoringEngine>;
  /** The honest weights with another way to draw tokens. */
  sampling(name: string, sampler: typeof createSampler): Promise<ScoringEngine>;
  /** A token that ends a turn. */
  readonly endOfTurn: number;
  close(): Promise<void>;
}

export interface LaboratoryOptions {
  /** Answers computed at once by each engine. */
  readonly slots: number;
  /** Where weights of lower precision are kept; made when they are missing. */
  readonly cache: string;
}

const CONTEXT = 1024;
const models = join(dirname(fileURLToPath(import.meta.url)), "../../models");

export async function openLaboratory({ slots, cache }: LaboratoryOptions): Promise<Laboratory> {
  const engines = new Map<string, Promise<ScoringEngine>>();
  const common = { slots, contextLength: CONTEXT };

  function opened(name: string, open: () => Promise<ScoringEngine>): Promise<ScoringEngine> {
    const engine = engines.get(name) ?? open();
    engines.set(name, engine);
    return engine;
  }

  const modelPath = embeddedModels.tiny;
  const honest = await opened("honest", () => createLlamaEngine({ modelPath, ...common }));
  return {
    honest,
    smaller: () => opened("smaller", () => createLlamaEngine({ modelPath: embeddedModels.nano, ...common })),
    lowerPrecision: (precision) =>
      opened(precision, () => createLlamaEngine({ modelPath: weightsAt(precision, cache), ...common })),
    keyCache: (keyCache) =>
      opened(`key cache ${keyCache}`, () => createLlamaEngine({ modelPath, keyCache, ...common })),
    sampling: (name, createSampler) =>
      opened(`sampling ${name}`, () => createLlamaEngine({ modelPath, createSampler, ...common })),
    endOfTurn: endOfTurn(honest),
    async close() {
      for (const engine of engines.values()) {
        await (await engine).dispose();
      }
    },
  };
}

/** Ids are looked through: the engine tells of a token whether it ends a turn, not which ones do. */
function endOfTurn(engine: ScoringEngine): number {
  const most = 1 << 20;
  for (let token = 0; token < most; token++) {
    if (engine.endsTurn(token)) {
      return token;
    }
  }
  throw new RangeError("The model has no token that ends a turn");
}

/** The committed file, or one made from the committed q8_0 by the engine's own quantiser, through Python's ctypes. */
function weightsAt(precision: LowerPrecision, cache: string): string {
  if (precision === "q4_k_m") {
    return embeddedModels.tinyLowPrecision;
  }
  const path = join(cache, `depinfer-tiny.${precision}.gguf`);
  if (!existsSync(path)) {
    mkdirSync(cache, { recursive: true });
    try {
      const library = execFileSync(process.execPath, [join(models, "export/library.ts")], { encoding: "utf8" }).trim();
      const script = join(models, "export/quantise.py");
      const quantiser = [script, "--requantise", "--library", library, embeddedModels.tiny, path, precision];
      execFileSync(process.env.PYTHON ?? "python3", quantiser, { stdio: "ignore" });
    } catch (cause) {
      throw new DepinferError({
        code: "laboratory.noQuantiser",
        message: `Weights of precision ${precision} could not be made: ${errorMessage(cause)}`,
        remedy: "Install Python 3 (its standard library is enough), or name it in PYTHON",
        metadata: { precision },
        cause,
      });
    }
  }
  return path;
}
