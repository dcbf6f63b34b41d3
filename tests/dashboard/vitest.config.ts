import { join } from "node:path";
import { defineConfig } from "vitest/config";
import base from "../../vitest.config.ts";

/** One network for all files, which run one after the other: starting it takes longer than most of them. */
export default defineConfig({
  ...base,
  root: join(import.meta.dirname, "../.."),
  test: {
    include: ["tests/dashboard/**/*.test.ts"],
    globalSetup: [join(import.meta.dirname, "network.ts")],
    fileParallelism: false,
    maxWorkers: 1,
    maxConcurrency: 2,
    testTimeout: 90_000,
    hookTimeout: 120_000,
  },
});
