import type { IncomingMessage } from "node:http";
import type { Buyer, RequestsOf } from "@depinfer/client";
import { bytes32Schema, DepinferError } from "@depinfer/protocol";
import { API_VERSION, bindPassSchema, receiptQuerySchema } from "@depinfer/protocol/api";
import type { z } from "zod";
import { sendJson } from "../http-error.ts";
import { readBody } from "../http-guard.ts";
import { type ApiKey, type Keys, keyHashOf } from "../keys.ts";
import { noPasses } from "../pass-errors.ts";
import type { PassDesk } from "../passes.ts";
import type { RouteTable } from "../routes.ts";
import { receiptPage } from "../views.ts";
import type { Feed } from "./feed.ts";

export interface OwnRouteModules {
  readonly buyer: Buyer;
  readonly keys: Keys;
  readonly passes: PassDesk | undefined;
  readonly feed: Feed;
  keyOf(request: IncomingMessage): Promise<ApiKey>;
}

const MOST_BYTES = 4_096;

/** What a gateway tells the holder of a key of itself, of the key and of its pass; see `gatewayApi`. */
export function ownRoutes({ buyer, keys, passes, feed, keyOf }: OwnRouteModules): RouteTable {
  async function passView(key: Pick<ApiKey, "pass" | "passHolder">, request: IncomingMessage) {
    if (passes === undefined) {
      throw noPasses(key.pass ?? 0n);
    }
    return {
      pass: key.pass === null ? null : await passes.view(key.pass, key.passHolder),
      use: { ...passes.use, keyHash: keyHashOf(request.headers) },
    };
  }

  return {
    "/v1/version": {
      GET: (_, response) =>
        sendJson(response, 200, { api: "depinfer-gateway", version: API_VERSION, time: Date.now() }),
    },
    "/v1/key": {
      GET: async (request, response) => sendJson(response, 200, keyView(buyer, await keyOf(request))),
    },
    "/v1/pulse": {
      async GET(request, response) {
        await keyOf(request);
        sendJson(response, 200, feed.pulse());
      },
    },
    "/v1/receipts": {
      async GET(request, response) {
        const key = await keyOf(request);
        const { after, limit } = queryOf(request, receiptQuerySchema);
        sendJson(response, 200, receiptPage(buyer, key, limit, after === undefined ? undefined : placeOf(after)));
      },
    },
    "/v1/pass": {
      GET: async (request, response) => sendJson(response, 200, await passView(await keyOf(request), request)),
      async PUT(request, response) {
        const key = await keyOf(request);
        const { pass, signature } = await bodyOf(request, bindPassSchema);
        if (passes === undefined) {
          throw noPasses(pass);
        }
        const holder = await passes.checkHolder(pass, keyHashOf(request.headers), signature);
        await keys.bindPass(key.name, pass, holder);
        sendJson(response, 200, await passView({ pass, passHolder: holder }, request));
      },
      async DELETE(request, response) {
        const key = await keyOf(request);
        await keys.bindPass(key.name, null);
        sendJson(response, 200, await passView({ pass: null, passHolder: null }, request));
      },
    },
  };
}

/** As its holder may know it: nothing of its text. */
function keyView(buyer: Pick<Buyer, "spent" | "statement">, key: ApiKey) {
  const rows = buyer.statement({ account: key.name, since: 0, until: Number.MAX_SAFE_INTEGER });
  return {
    ...key,
    spent: buyer.spent(key.name),
    requests: rows.reduce((sum, { requests }) => sum + requests, 0),
    tokens: rows.reduce((sum, { promptTokens, outputTokens }) => sum + promptTokens + outputTokens, 0),
  };
}

/** `next` of a page: when its last request began, and its id. */
function placeOf(after: string): NonNullable<RequestsOf["before"]> {
  const [, startedAt, id] = /^(\d{1,15})-(0x[0-9a-f]{64})$/.exec(after) ?? [];
  const parsed = bytes32Schema.safeParse(id);
  if (startedAt === undefined || !parsed.success) {
    throw invalid("after", "it is not the `next` of a page");
  }
  return { startedAt: Number(startedAt), id: parsed.data };
}

function queryOf<Schema extends z.ZodType>({ url }: IncomingMessage, schema: Schema): z.output<Schema> {
  return checked(schema, Object.fromEntries(new URL(url ?? "/", "http://localhost").searchParams));
}

async function bodyOf<Schema extends z.ZodType>(request: IncomingMessage, schema: Schema): Promise<z.output<Schema>> {
  const text = Buffer.from(await readBody(request, MOST_BYTES)).toString();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw invalid("body", "it is not JSON");
  }
  return checked(schema, json);
}

function checked<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(String(issue?.path[0] ?? "body"), issue?.message ?? "it is not understood");
  }
  return parsed.data;
}

function invalid(param: string, why: string): DepinferError {
  return new DepinferError({
    code: "request.invalid",
    message: `Invalid value for ${param}: ${why}`,
    remedy: "Change it as the message says",
    metadata: { param },
  });
}
