import { mergeConfig } from "vitest/config";
import base from "../../vitest.config.ts";

/** One network for all files, which run one after the other: starting it takes longer than most of them. */
export default mergeConfig(
  { ...base, test: { ...base.test, include: [], exclude: [] } },
  {
    root: new URL("../..", import.meta.url).pathname,
    test: {
      include: ["tests/dashboard/**/*.test.ts"],
      globalSetup: ["tests/dashboard/network.ts"],
      fileParallelism: false,
      maxWorkers: 1,
      testTimeout: 90_000,
      hookTimeout: 120_000,
    },
  },
);
