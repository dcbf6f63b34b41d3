import { existsSync, readFileSync } from "node:fs";

/** Instruction sets that choose other kernels in ONNX Runtime's linear algebra, so other orders of summation. */
const FEATURES = [
  "avx2",
  "fma",
  "f16c",
  "avx512f",
  "avx512_vnni",
  "avx512_bf16",
  "avx_vnni",
  "amx_tile",
  "asimd",
  "sve",
];

/** Architecture and those features of this processor; only the architecture where the system does not tell them. */
export function cpuFamily(): string {
  const path = "/proc/cpuinfo";
  const line = existsSync(path) ? /^(?:flags|Features)\s*:\s*(.*)$/m.exec(readFileSync(path, "utf8"))?.[1] : undefined;
  const found = new Set(line?.split(" ") ?? []);
  return [process.arch, ...FEATURES.filter((feature) => found.has(feature))].join("+");
}
