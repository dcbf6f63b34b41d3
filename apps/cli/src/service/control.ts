import { createHash } from "node:crypto";
import { chmodSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DepinferError, errorMessage } from "@depinfer/protocol";
import { Client } from "undici";
import { z } from "zod";

/**
 * What a service does when it is asked to on its own machine, by name. Parameters and result are JSON; bigints become
 * digits. Whoever takes parameters checks them.
 */
export type ControlMethods = Readonly<Record<string, (parameters?: unknown) => unknown>>;

/** A method whose parameters follow `schema`. Its caller gets `control.badParameters` otherwise, and nothing is done. */
export function withParameters<Schema extends z.ZodType>(
  schema: Schema,
  method: (parameters: z.output<Schema>) => unknown,
): (parameters?: unknown) => unknown {
  return (parameters) => {
    const parsed = schema.safeParse(parameters);
    if (!parsed.success) {
      throw badParameters(z.prettifyError(parsed.error));
    }
    return method(parsed.data);
  };
}

function badParameters(why: string): DepinferError {
  return new DepinferError({
    code: "control.badParameters",
    message: `The parameters are not what the method takes: ${why}`,
    remedy: "Use the command line of the same version as the service",
  });
}

/**
 * Path of a service's control socket. It lies in the folder for temporary files, since socket paths are limited to
 * about 100 bytes, and only its owner may connect.
 */
export function controlPath(folder: string): string {
  const name = `depinfer-${createHash("sha256").update(resolve(folder)).digest("hex").slice(0, 20)}`;
  return process.platform === "win32" ? `\\\\.\\pipe\\${name}` : join(tmpdir(), `${name}.sock`);
}

/** Offers `methods` on the service's control socket. Returns what closes it. */
export async function serveControl(folder: string, methods: ControlMethods): Promise<() => void> {
  const path = controlPath(folder);
  rmSync(path, { force: true });
  const server = createServer((request, response) => {
    const method = methods[(request.url ?? "/").slice(1)];
    const answer = async () => {
      if (method === undefined) {
        throw new DepinferError({
          code: "control.unknown",
          message: `There is no ${request.url}`,
          remedy: `Use one of ${Object.keys(methods).join(", ")}`,
        });
      }
      return method(await readParameters(request));
    };
    answer().then(
      (result) => response.writeHead(200).end(toJson({ result: result ?? null })),
      (error: unknown) => {
        const described =
          error instanceof DepinferError
            ? { code: error.code, message: error.message, remedy: error.remedy }
            : { code: "unknown", message: errorMessage(error), remedy: "Read the service's log" };
        response.writeHead(500).end(toJson({ error: described }));
      },
    );
  });
  await new Promise<void>((done, reject) => {
    server.once("error", reject);
    server.listen(path, done);
  });
  if (process.platform !== "win32") {
    chmodSync(path, 0o600);
  }
  return () => {
    server.close();
    server.closeAllConnections();
  };
}

/** Longest parameters in bytes: names and amounts. */
const MOST_BYTES = 65_536;

/** The JSON that came with a call; undefined when there is none. */
async function readParameters(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    if (chunk instanceof Buffer && length <= MOST_BYTES) {
      length += chunk.length;
      chunks.push(chunk);
    }
  }
  if (length > MOST_BYTES) {
    throw badParameters(`they have more than ${MOST_BYTES} bytes`);
  }
  const text = Buffer.concat(chunks).toString();
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    throw badParameters("they are not JSON");
  }
}

function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => (typeof member === "bigint" ? member.toString() : member));
}

/** Most that a control call may take: a settlement waits for several blocks. */
const CALL_TIMEOUT_MS = 60_000;

/**
 * Calls a method of a service on this machine.
 *
 * @throws DepinferError `control.unreachable`, or what the service said.
 */
export async function callControl(folder: string, method: string, parameters?: unknown): Promise<unknown> {
  const client = new Client("http://localhost", {
    socketPath: controlPath(folder),
    headersTimeout: CALL_TIMEOUT_MS,
    bodyTimeout: CALL_TIMEOUT_MS,
  });
  try {
    const { body } = await client.request({
      method: "POST",
      path: `/${method}`,
      body: parameters === undefined ? null : toJson(parameters),
    });
    const parsed: unknown = await body.json();
    if (parsed !== null && typeof parsed === "object" && "result" in parsed) {
      return parsed.result;
    }
    throw remoteFailure(parsed);
  } catch (cause) {
    if (cause instanceof DepinferError) {
      throw cause;
    }
    throw new DepinferError({
      code: "control.unreachable",
      message: `The service in ${folder} does not answer: ${errorMessage(cause)}`,
      remedy: "Start it, for example with `npm start`",
      metadata: { folder },
      retryable: true,
      cause,
    });
  } finally {
    await client.close();
  }
}

function remoteFailure(parsed: unknown): DepinferError {
  const error = parsed !== null && typeof parsed === "object" && "error" in parsed ? parsed.error : undefined;
  const member = (name: string) => String(Object.entries(error ?? {}).find(([key]) => key === name)?.[1] ?? "");
  return new DepinferError({
    code: member("code") || "unknown",
    message: member("message") || "the service failed",
    remedy: member("remedy") || "Read the service's log",
  });
}
