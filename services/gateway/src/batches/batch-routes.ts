import { DepinferError, parseJson } from "@depinfer/protocol";
import { z } from "zod";
import { sendJson } from "../http-error.ts";
import { readBody } from "../http-guard.ts";
import { checked, invalid } from "../invalid.ts";
import { checkDepth } from "../json-depth.ts";
import type { RouteModules, RouteTable } from "../routes.ts";
import { BATCH_ENDPOINTS, readLines } from "./batch-lines.ts";
import { type BatchRunner, newId, WINDOW_SECONDS } from "./batch-runner.ts";
import type { BatchStore, StoredBatch } from "./batch-store.ts";
import { unknownFile } from "./file-routes.ts";
import { pageOf } from "./page.ts";

const MOST_LINES = 50_000;

export const batchRequestSchema = z.strictObject({
  input_file_id: z.string().min(1).max(200),
  endpoint: z.enum(BATCH_ENDPOINTS),
  completion_window: z.literal("24h"),
  metadata: z.record(z.string().max(64), z.string().max(512)).nullish(),
});

/** `/v1/batches`: many requests in one file, answered by whoever has a slot. */
export function batchRoutes({ keyOf, asking }: RouteModules, store: BatchStore, runner: BatchRunner): RouteTable {
  return {
    "/v1/batches": {
      async POST(request, response) {
        const { name } = await keyOf(request);
        const body = await readBody(request, asking.bodyLimit);
        checkDepth(body);
        const asked = checked(batchRequestSchema, parseJson(body, "The request body"));
        const content =
          (await store.content(name, asked.input_file_id)) ?? unknownFile(asked.input_file_id, "input_file_id");
        const batch: StoredBatch = {
          id: newId("batch_"),
          account: name,
          endpoint: asked.endpoint,
          inputFile: asked.input_file_id,
          status: "in_progress",
          metadata: asked.metadata == null ? null : JSON.stringify(asked.metadata),
          total: linesOf(content, asked.endpoint),
          createdAt: Math.floor(Date.now() / 1000),
          endedAt: null,
          cancelledAt: null,
          outputFile: null,
          errorFile: null,
        };
        await store.addBatch(batch);
        runner.run(batch);
        sendJson(response, 200, await viewOf(batch));
      },
      async GET(request, response) {
        const { name } = await keyOf(request);
        const page = pageOf(request, await store.batches(name));
        sendJson(response, 200, { ...page, data: await Promise.all(page.data.map(viewOf)) });
      },
    },
    "/v1/batches/:id": {
      async GET(request, response, { id = "" }) {
        const { name } = await keyOf(request);
        sendJson(response, 200, await viewOf((await store.batch(name, id)) ?? unknownBatch(id)));
      },
    },
    "/v1/batches/:id/cancel": {
      async POST(request, response, { id = "" }) {
        const { name } = await keyOf(request);
        const batch = (await store.batch(name, id)) ?? unknownBatch(id);
        if (batch.endedAt !== null) {
          throw new DepinferError({
            code: "batch.over",
            message: `The batch ${id} is ${batch.status} already`,
            remedy: "Download its output; there is nothing left to cancel",
          });
        }
        await store.changeBatch(id, { status: "cancelling", cancelledAt: Math.floor(Date.now() / 1000) });
        runner.cancel(id);
        sendJson(response, 200, await viewOf((await store.batch(name, id)) ?? unknownBatch(id)));
      },
    },
  };

  async function viewOf(batch: StoredBatch) {
    const { id, endpoint, inputFile, status, metadata, total, createdAt, endedAt, cancelledAt } = batch;
    const ended = (as: StoredBatch["status"]) => (status === as ? endedAt : null);
    return {
      id,
      object: "batch",
      endpoint,
      errors: null,
      input_file_id: inputFile,
      completion_window: "24h",
      status,
      output_file_id: batch.outputFile,
      error_file_id: batch.errorFile,
      created_at: createdAt,
      in_progress_at: createdAt,
      expires_at: createdAt + WINDOW_SECONDS,
      finalizing_at: endedAt,
      completed_at: ended("completed"),
      failed_at: null,
      expired_at: ended("expired"),
      cancelling_at: cancelledAt,
      cancelled_at: ended("cancelled"),
      request_counts: { total, ...(await store.counts(id)) },
      metadata: metadata === null ? null : JSON.parse(metadata),
    };
  }
}

/** @throws DepinferError `request.invalid` for a file without lines or with too many. */
function linesOf(content: Uint8Array, endpoint: string): number {
  let lines = 0;
  for (const _line of readLines(content, endpoint)) {
    lines += 1;
  }
  if (lines === 0 || lines > MOST_LINES) {
    throw invalid("input_file_id", `The file has ${lines} lines, and a batch has 1 to ${MOST_LINES}`);
  }
  return lines;
}

function unknownBatch(id: string): never {
  throw new DepinferError({
    code: "batch.unknown",
    message: `There is no batch ${JSON.stringify(id.slice(0, 200))} of this key`,
    remedy: "List the batches of the key to see their ids",
  });
}
