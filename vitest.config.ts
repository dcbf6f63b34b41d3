import { defineConfig } from "vitest/config";

/** Packages are read from their sources, as `node --conditions=source` does. */
const conditions = ["source", "module", "node", "development|production", "default"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ["source", "node", "default"] } },
  test: {
    include: [
      "packages/*/src/**/*.test.ts",
      "services/*/src/**/*.test.ts",
      "apps/*/src/**/*.test.ts",
      "models/**/*.test.ts",
      "bench/**/*.test.ts",
      "simulation/**/*.test.ts",
      "tests/**/*.test.ts",
    ],
    // Two workers: the suite starts real processes, and the smallest supported machine has two cores.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
