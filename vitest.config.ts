import { defineConfig } from "vitest/config";

/** Packages are read from their sources, as `node --conditions=source` does. */
const conditions = ["source", "module", "node", "development|production", "default"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ["source", "node", "default"] } },
  test: {
    // A package of theirs has a `source` of its own, which Node does not run inside node_modules.
    server: { deps: { inline: [/\/node_modules\/(ai|@ai-sdk|eventsource-parser)\//] } },
    include: [
      "packages/*/src/**/*.test.ts",
      "services/*/src/**/*.test.ts",
      "apps/*/src/**/*.test.{ts,tsx}",
      "models/**/*.test.ts",
      "bench/**/*.test.ts",
      "simulation/**/*.test.ts",
      "tests/**/*.test.ts",
    ],
    // These have a configuration of their own.
    exclude: ["**/node_modules/**", "**/.git/**", "tests/dashboard/**"],
    // Two workers: the suite starts real processes, and the smallest supported machine has two cores.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
