import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createOnnxEngine, type OnnxEngineOptions, REPLAY_TOLERANCE, tensorDistance } from "@depinfer/inference/onnx";
import type { NamedTensors } from "@depinfer/protocol";
import { INPUT_SIZE, numbers, tinyOnnxModel } from "../packages/inference/src/testing/onnx-model.ts";
import type { Benchmark, BenchRow } from "./benchmark.ts";

/*
 * How far results of one ONNX model are apart between runtime classes, and how far those of cheats are. The reference is
 * the default class: all optimisations, one thread.
 */

const INPUTS = 200;

const HONEST: readonly (Omit<OnnxEngineOptions, "modelPath"> & { readonly name: string })[] = [
  { name: "same class" },
  { name: "two threads", threads: 2 },
  { name: "extended optimisations", optimisation: "extended" },
  { name: "basic optimisations", optimisation: "basic" },
  { name: "no optimisations", optimisation: "disabled" },
];
const CHEATS = [
  { name: "8-bit weights", model: { quantised: true }, shift: 0 },
  { name: "other weights", model: { seed: 2 }, shift: 0 },
  { name: "answer to another input", model: {}, shift: 1 },
] as const;

function inputOf(seed: number): NamedTensors {
  return {
    x: { type: "float32", shape: [1, INPUT_SIZE], bytes: new Uint8Array(numbers(seed, INPUT_SIZE).buffer) },
  };
}

export const tensors: Benchmark = {
  name: "tensors",
  description: "distance of an ONNX model's results between runtime classes, and of cheats",
  async run({ quick, progress }) {
    const count = quick ? 20 : INPUTS;
    const folder = await mkdtemp(join(tmpdir(), "depinfer-bench-"));
    const rows: BenchRow[] = [];
    async function file(name: string, model: Parameters<typeof tinyOnnxModel>[0]): Promise<string> {
      const path = join(folder, `${name}.onnx`);
      await writeFile(path, tinyOnnxModel(model));
      return path;
    }
    try {
      const modelPath = await file("model", {});
      const reference = await createOnnxEngine({ modelPath });
      async function compare(name: string, honest: boolean, options: OnnxEngineOptions, shift: number): Promise<void> {
        progress(name);
        const engine = await createOnnxEngine(options);
        const distances = [];
        for (let seed = 1; seed <= count; seed++) {
          distances.push(
            tensorDistance(await reference.infer(inputOf(seed)), await engine.infer(inputOf(seed + shift))),
          );
        }
        await engine.dispose();
        const relative = distances.map((distance) => distance.relative).sort((a, b) => a - b);
        const exact = distances.filter(({ differing }) => differing === 0).length;
        const shown = (value: number | undefined) => Number((value ?? 0).toExponential(2));
        rows.push({
          variant: name,
          honest: String(honest),
          inputs: count,
          bitExact: exact,
          nearest: shown(relative[0]),
          median: shown(relative[Math.floor(count / 2)]),
          farthest: shown(relative.at(-1)),
        });
      }
      for (const { name, ...options } of HONEST) {
        await compare(name, true, { modelPath, ...options }, 0);
      }
      for (const { name, model, shift } of CHEATS) {
        await compare(name, false, { modelPath: await file(name, model) }, shift);
      }
      await reference.dispose();
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    const of = (honest: string, column: string) =>
      rows.filter((row) => row.honest === honest).map((row) => Number(row[column]));
    return {
      rounds: 1,
      rows,
      summary: {
        farthestHonest: Math.max(...of("true", "farthest")),
        nearestCheat: Math.min(...of("false", "nearest")),
        tolerance: REPLAY_TOLERANCE,
      },
    };
  },
};
