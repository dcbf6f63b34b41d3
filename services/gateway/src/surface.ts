import { batchRoutes } from "./batches/batch-routes.ts";
import { type BatchRunnerModules, createBatchRunner } from "./batches/batch-runner.ts";
import { fileRoutes } from "./batches/file-routes.ts";
import { messageRoutes } from "./messages/message-routes.ts";
import { modelRoutes } from "./models/model-list.ts";
import { openApiRoutes } from "./openapi/openapi-routes.ts";
import { responseRoutes } from "./responses/response-routes.ts";
import type { RouteModules, RouteTable } from "./routes.ts";

/** The endpoints that speak the APIs of others, and what they do between requests. */
export interface Surface {
  readonly tables: readonly RouteTable[];
  /** Goes on with batches that an earlier process left. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** @param batches null where no files are kept; there are no batches then. */
export function createSurface(modules: RouteModules, batches: BatchRunnerModules | null): Surface {
  const tables = [openApiRoutes, modelRoutes(modules), responseRoutes(modules), messageRoutes(modules)];
  if (batches === null) {
    return { tables, start: async () => undefined, stop: async () => undefined };
  }
  const runner = createBatchRunner(batches);
  return {
    tables: [...tables, fileRoutes(modules, batches.store), batchRoutes(modules, batches.store, runner)],
    start: runner.resume,
    stop: runner.stop,
  };
}
