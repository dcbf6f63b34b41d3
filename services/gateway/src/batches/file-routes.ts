import type { IncomingMessage } from "node:http";
import { DepinferError } from "@depinfer/protocol";
import { sendJson } from "../http-error.ts";
import { readBody } from "../http-guard.ts";
import { invalid } from "../invalid.ts";
import type { RouteModules, RouteTable } from "../routes.ts";
import { newId } from "./batch-runner.ts";
import type { BatchStore, StoredFile } from "./batch-store.ts";
import { pageOf } from "./page.ts";

/** It is read into memory, with the form around it and once more out of it. */
const MOST_BYTES = 32 * 1_048_576;

/** `/v1/files`: input of batches, and their output. */
export function fileRoutes({ keyOf }: RouteModules, store: BatchStore): RouteTable {
  return {
    "/v1/files": {
      async POST(request, response) {
        const { name } = await keyOf(request);
        const { content, filename } = await readForm(request);
        const createdAt = Math.floor(Date.now() / 1000);
        const file: StoredFile = { id: newId("file-"), filename, purpose: "batch", bytes: content.length, createdAt };
        await store.addFile(name, file, content);
        sendJson(response, 200, fileView(file));
      },
      async GET(request, response) {
        const { name } = await keyOf(request);
        sendJson(response, 200, pageOf(request, (await store.files(name)).map(fileView)));
      },
    },
    "/v1/files/:id": {
      async GET(request, response, { id = "" }) {
        const { name } = await keyOf(request);
        sendJson(response, 200, fileView((await store.file(name, id)) ?? unknownFile(id)));
      },
      async DELETE(request, response, { id = "" }) {
        const { name } = await keyOf(request);
        const open = (await store.batches(name)).find((batch) => batch.inputFile === id && batch.endedAt === null);
        if (open !== undefined) {
          throw new DepinferError({
            code: "file.inUse",
            message: `The file ${id} is the input of batch ${open.id}, which is not over`,
            remedy: "Cancel the batch first, or wait until it ends",
          });
        }
        if (!(await store.removeFile(name, id))) {
          unknownFile(id);
        }
        sendJson(response, 200, { id, object: "file", deleted: true });
      },
    },
    "/v1/files/:id/content": {
      async GET(request, response, { id = "" }) {
        const { name } = await keyOf(request);
        const content = (await store.content(name, id)) ?? unknownFile(id);
        response.writeHead(200, { "content-type": "application/octet-stream", "content-length": content.length });
        response.end(content);
      },
    },
  };
}

function fileView({ id, filename, purpose, bytes, createdAt }: StoredFile) {
  return { id, object: "file", bytes, created_at: createdAt, filename, purpose, status: "processed" };
}

/** @throws DepinferError `file.malformed` or `request.*`. */
async function readForm(request: IncomingMessage): Promise<{ content: Uint8Array; filename: string }> {
  const body = await readBody(request, MOST_BYTES);
  const form = await formOf(body, request.headers["content-type"] ?? "");
  for (const name of new Set(form.keys())) {
    if (name !== "file" && name !== "purpose") {
      throw invalid(name, `Unknown parameter: ${name}`);
    }
    if (form.getAll(name).length > 1) {
      throw invalid(name, `${name} is given more than once`);
    }
  }
  const purpose = form.get("purpose");
  if (purpose !== "batch") {
    throw invalid("purpose", `Files are for batches here, so that purpose has to be "batch"`);
  }
  const file = form.get("file");
  if (!(file instanceof File)) {
    throw invalid("file", "The form has no file");
  }
  return { content: new Uint8Array(await file.arrayBuffer()), filename: file.name.slice(0, 255) };
}

async function formOf(body: Uint8Array, type: string): Promise<FormData> {
  try {
    return await new Response(Buffer.from(body), { headers: { "content-type": type } }).formData();
  } catch (cause) {
    throw new DepinferError({
      code: "file.malformed",
      message: `The body is no form of the type ${JSON.stringify(type.slice(0, 200))}`,
      remedy: "Send multipart/form-data with the fields `purpose` and `file`",
      cause,
    });
  }
}

export function unknownFile(id: string, param: string | null = null): never {
  throw new DepinferError({
    code: "file.unknown",
    message: `There is no file ${JSON.stringify(id.slice(0, 200))} of this key`,
    remedy: "List the files of the key to see their ids",
    metadata: { param },
  });
}
