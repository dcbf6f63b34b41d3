import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Buyer } from "@depinfer/client";
import { DepinferError, errorMessage, type Log, microUsdSchema } from "@depinfer/protocol";
import { z } from "zod";
import { sendError, sendJson } from "../http-error.ts";
import { checkHeaders, checkHostAndOrigin, readBody, SERVER_LIMITS } from "../http-guard.ts";
import { type Keys, keySettingsSchema, type ListedKey } from "../keys.ts";
import type { Metrics } from "../metrics.ts";
import { createRouter, type RouteTable } from "../routes.ts";
import { statementOf } from "../statement.ts";

export interface AdminModules {
  readonly keys: Keys;
  readonly buyer: Pick<Buyer, "account" | "statement">;
  /** Sends requests elsewhere from now on. */
  readonly drain: () => void;
  readonly metrics?: Metrics;
  readonly log: Log;
}

export interface AdminOptions {
  readonly port: number;
  /** Interface to listen on; the loopback one by default. */
  readonly host?: string;
  /** Host names besides localhost under which it may be called. */
  readonly allowedHosts?: readonly string[];
  /** Who shows it is the owner. */
  readonly token: string;
}

/** The owner's API of a gateway: its keys, their limits and budgets, what was used, and draining. */
export interface AdminServer {
  /** @throws the listening socket's error. */
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly port: number;
}

const MOST_BYTES = 65_536;
const MOST_CONNECTIONS = 32;

const budget = microUsdSchema.nullable().optional();
const created = z.strictObject({ name: z.string(), budget, settings: keySettingsSchema.optional() });
const changed = z.strictObject({
  budget,
  settings: keySettingsSchema.optional(),
  pass: z
    .string()
    .regex(/^[1-9]\d{0,17}$/)
    .transform(BigInt)
    .nullable()
    .optional(),
});
const span = z.strictObject({
  account: z.string().optional(),
  since: z.coerce.number().int().min(0).default(0),
  until: z.coerce.number().int().min(0).optional(),
});

export function createAdminServer(modules: AdminModules, options: AdminOptions): AdminServer {
  const { keys, buyer, drain, log } = modules;

  const view = (key: ListedKey) => ({ ...key, ...buyer.account(key.name) });

  async function named(name: string | undefined): Promise<ListedKey> {
    const key = (await keys.list()).find((one) => one.name === name);
    if (key === undefined) {
      throw new DepinferError({
        code: "key.noSuchName",
        message: `No key is called ${JSON.stringify((name ?? "").slice(0, 80))}`,
        remedy: "List the keys at /admin/keys to see their names",
      });
    }
    return key;
  }

  const routes: RouteTable = {
    "/admin/keys": {
      GET: async (_, response) => send(response, 200, { data: (await keys.list()).map(view) }),
      async POST(request, response) {
        const asked = await read(request, created);
        const key = await keys.create(asked.name, asked.budget ?? null, asked.settings ?? {});
        send(response, 201, { ...view(await named(asked.name)), key });
      },
    },
    "/admin/keys/:name": {
      GET: async (_, response, { name }) => send(response, 200, view(await named(name))),
      async PATCH(request, response, { name }) {
        const key = await named(name);
        const asked = await read(request, changed);
        if (asked.settings !== undefined) {
          await keys.setSettings(key.name, asked.settings);
        }
        if (asked.budget !== undefined) {
          await keys.setBudget(key.name, asked.budget);
        }
        if (asked.pass !== undefined) {
          await keys.bindPass(key.name, asked.pass);
        }
        send(response, 200, view(await named(name)));
      },
      async DELETE(_, response, { name }) {
        await keys.revoke((await named(name)).name);
        send(response, 200, view(await named(name)));
      },
    },
    "/admin/usage": {
      GET(request, response) {
        const asked = parsed(span, Object.fromEntries(new URL(request.url ?? "/", "http://localhost").searchParams));
        const { account, since, until = Date.now() + 1 } = asked;
        send(response, 200, statementOf(buyer, { since, until, ...(account === undefined ? {} : { account }) }));
      },
    },
    "/admin/drain": {
      POST(_, response) {
        drain();
        send(response, 202, { status: "draining" });
      },
    },
  };
  const { metrics } = modules;
  const observed: RouteTable =
    metrics === undefined
      ? {}
      : {
          "/metrics": {
            async GET(_, response) {
              const text = await metrics.text();
              response.writeHead(200, {
                "content-type": metrics.contentType,
                "content-length": Buffer.byteLength(text),
              });
              response.end(text);
            },
          },
        };
  const router = createRouter([routes, observed]);
  const tokenHash = sha256(options.token);

  function authorize({ headers }: IncomingMessage): void {
    const given = /^Bearer (\S{1,200})$/i.exec(headers.authorization ?? "")?.[1] ?? "";
    if (!timingSafeEqual(sha256(given), tokenHash)) {
      throw new DepinferError({
        code: "key.unknown",
        message: "The admin token is missing or not the one of this gateway",
        remedy: "Send the header `Authorization: Bearer …` with the content of the file admin-token",
      });
    }
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      checkHostAndOrigin(request, options.allowedHosts ?? []);
      checkHeaders(request);
      authorize(request);
      const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
      const found = router.find(path);
      const handler = found?.methods[request.method ?? "GET"];
      if (found === undefined || handler === undefined) {
        throw new DepinferError({
          code: found === undefined ? "http.notFound" : "http.methodNotAllowed",
          message: `There is no ${request.method} ${path} here`,
          remedy: `Use one of ${router.paths.join(", ")}`,
        });
      }
      await handler(request, response, found.params);
    } catch (error) {
      if (!(error instanceof DepinferError)) {
        log("error", `admin request failed: ${errorMessage(error)}`);
      }
      if (!request.complete) {
        response.setHeader("connection", "close");
      }
      sendError(response, error);
    }
  }

  const server = createServer(SERVER_LIMITS, (request, response) => {
    handle(request, response).catch((error: unknown) => log("error", `admin response failed: ${errorMessage(error)}`));
  });
  server.maxConnections = MOST_CONNECTIONS;

  return {
    start: () =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(options.port, options.host ?? "127.0.0.1", () => {
          server.removeListener("error", reject);
          resolve();
        });
      }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
    get port() {
      const address = server.address();
      return address !== null && typeof address === "object" ? address.port : options.port;
    },
  };
}

async function read<Schema extends z.ZodType>(request: IncomingMessage, schema: Schema): Promise<z.output<Schema>> {
  const text = Buffer.from(await readBody(request, MOST_BYTES)).toString();
  try {
    return parsed(schema, JSON.parse(text));
  } catch (error) {
    throw error instanceof DepinferError ? error : invalid("the body is not JSON");
  }
}

function parsed<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (!result.success) {
    throw invalid(z.prettifyError(result.error));
  }
  return result.data;
}

function invalid(why: string): DepinferError {
  return new DepinferError({
    code: "request.invalid",
    message: `The request cannot be followed: ${why}`,
    remedy: "Change it as the message says; amounts are micro-dollars as text",
  });
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body, (_name, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
  sendJson(response, status, JSON.parse(text));
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
