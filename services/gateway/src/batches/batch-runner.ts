import { createHash, randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Buyer } from "@depinfer/client";
import { DepinferError, errorMessage, type Log, utf8 } from "@depinfer/protocol";
import { type Asked, type AskedOptions, askedOf, type Entrance } from "../asked.ts";
import { describeError } from "../http-error.ts";
import type { Idempotency } from "../idempotency.ts";
import type { ApiKey } from "../keys.ts";
import { heldReply, keptReply, type Reply, type WholeReply } from "../reply.ts";
import { responseTranslator } from "../responses/response-routes.ts";
import type { ResponseStore } from "../responses/response-store.ts";
import { type Customer, recoverAnswer } from "../serve.ts";
import { type BatchEndpoint, type BatchLine, readLines } from "./batch-lines.ts";
import type { BatchStore, LineResult, StoredBatch } from "./batch-store.ts";

export interface BatchRunnerModules {
  readonly store: BatchStore;
  readonly responses?: ResponseStore;
  readonly buyer: Buyer;
  readonly idempotency: Idempotency;
  readonly asking: AskedOptions;
  readonly log: Log;
  /** The key of an account, if it still works. */
  keyNamed(name: string): Promise<ApiKey | undefined>;
  buy(
    asked: Asked,
    key: ApiKey,
    reply: Reply,
    signal: AbortSignal,
    onBegun: Customer["onBegun"],
  ): Promise<{ readonly error: unknown } | object>;
}

/** Answers the lines of batches, spread over all providers. */
export interface BatchRunner {
  /** Goes on with every batch that is not over. */
  resume(): Promise<void>;
  /** Begins a batch that is in the store. */
  run(batch: StoredBatch): void;
  /** Lines that wait are left; those at work are stopped and paid for what they delivered. */
  cancel(id: string): void;
  /** Stops; what is not done goes on after the next start. */
  stop(): Promise<void>;
}

/** Lines at work at the same time, of one batch, however many slots are on offer. */
const MOST_AT_WORK = 64;
/** As long as OpenAI gives a batch. */
export const WINDOW_SECONDS = 86_400;
/** Nothing is wrong with a line that meets these: it waits until there is room, or the batch is over. */
const WAITED_FOR = ["route.noProvider", "provider.busy", "idempotency.running"];
/** Tries of a line that nobody answers, each after twice the wait of the one before. */
const MOST_TRIES = 8;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;

const now = () => Math.floor(Date.now() / 1000);

export function createBatchRunner(modules: BatchRunnerModules): BatchRunner {
  const { store, buyer, idempotency, asking, log } = modules;
  const running = new Map<string, { readonly stop: AbortController; readonly done: Promise<void> }>();
  let stopping = false;

  function entranceOf(batch: StoredBatch): Entrance {
    const entrances: Readonly<Record<BatchEndpoint, Entrance>> = {
      "/v1/chat/completions": "chat",
      "/v1/completions": "completion",
      "/v1/embeddings": "embedding",
      "/v1/responses": responseTranslator(batch.account, modules.responses),
    };
    return Object.entries(entrances).find(([endpoint]) => endpoint === batch.endpoint)?.[1] ?? "chat";
  }

  /** As many as there are slots, so that every provider is busy and none is flooded. */
  function atWork(): number {
    const slots = buyer.offers().reduce((sum, offer) => sum + offer.slots, 0);
    return Math.max(1, Math.min(MOST_AT_WORK, slots));
  }

  async function work(batch: StoredBatch, signal: AbortSignal): Promise<void> {
    const content = (await store.content(batch.account, batch.inputFile)) ?? new Uint8Array();
    const done = new Set((await store.results(batch.id)).map(({ line }) => line));
    const lines = readLines(content, batch.endpoint);
    const busy = new Set<Promise<void>>();
    for (const line of lines) {
      if (signal.aborted || isOver(batch)) {
        break;
      }
      if (done.has(line.line)) {
        continue;
      }
      const one: Promise<void> = answerLine(batch, line, signal)
        .then((result) => (result === null ? undefined : store.addResult(batch.id, result)))
        .finally(() => busy.delete(one));
      busy.add(one);
      while (busy.size >= atWork()) {
        await Promise.race(busy);
      }
    }
    await Promise.all(busy);
    if (!stopping) {
      await finish(batch, content, signal.aborted);
    }
  }

  async function answerLine(batch: StoredBatch, line: BatchLine, signal: AbortSignal): Promise<LineResult | null> {
    const id = lineId(batch.id, line.line);
    if ("error" in line) {
      return failedLine(id, line, line.error);
    }
    let wait = FIRST_WAIT_MS;
    for (let tries = 1; ; ) {
      try {
        const key = await modules.keyNamed(batch.account);
        if (key === undefined) {
          throw keyEnded(batch.account);
        }
        const asked = await askedOf(entranceOf(batch), line.body, {}, { ...asking, defaults: key.policy });
        return answeredLine(id, line.line, line.customId, await answerOnce(batch, line.line, asked, key, signal));
      } catch (error) {
        if (signal.aborted) {
          return null;
        }
        const code = error instanceof DepinferError ? error.code : "";
        const waits = code.startsWith("limit.") || WAITED_FOR.includes(code);
        const again = error instanceof DepinferError && error.retryable && (waits || tries < MOST_TRIES);
        if (!again || isOver(batch)) {
          return failedLine(id, line, error);
        }
        tries += waits ? 0 : 1;
        const asks = error.metadata.retryAfterSeconds;
        await sleep(typeof asks === "number" ? asks * 1_000 : wait, undefined, { signal }).catch(() => undefined);
        wait = Math.min(wait * 2, LONGEST_WAIT_MS);
      }
    }
  }

  /** A line is bought once, whatever happens to this process between the purchase and the result. */
  async function answerOnce(batch: StoredBatch, line: number, asked: Asked, key: ApiKey, signal: AbortSignal) {
    // No key is called so, since names have no colon.
    const account = `batch:${batch.account}`;
    const begun = await idempotency.begin(account, `${batch.id}:${line}`, asked.hash, (requestId) =>
      recoverAnswer(buyer, asked, requestId),
    );
    if ("replay" in begun) {
      return begun.replay;
    }
    const { first } = begun;
    try {
      const { reply, whole } = heldReply();
      const served = await modules.buy(asked, key, keptReply(reply, first.keep), signal, first.bought);
      const answer = whole();
      if (answer === null) {
        throw "error" in served ? served.error : new Error("an answer ended without a reply");
      }
      return answer;
    } catch (error) {
      // A stopped process finds the purchase again; everything else frees the line.
      if (!stopping) {
        await first.release();
      }
      throw error;
    }
  }

  async function finish(batch: StoredBatch, content: Uint8Array, cancelled: boolean): Promise<void> {
    const results = await store.results(batch.id);
    const done = new Set(results.map(({ line }) => line));
    const code = cancelled ? "batch_cancelled" : "batch_expired";
    const rest = [...readLines(content, batch.endpoint)].flatMap(({ line, customId }) =>
      done.has(line)
        ? []
        : [errorLine(lineId(batch.id, line), customId, code, `The batch ended before this line was answered`)],
    );
    await store.changeBatch(batch.id, { status: "finalizing" });
    const outputFile = await resultFile(
      batch,
      "output",
      results.filter(({ ok }) => ok).map(({ json }) => json),
    );
    const errors = [...results.filter(({ ok }) => !ok).map(({ json }) => json), ...rest];
    const errorFile = await resultFile(batch, "error", errors);
    const status = cancelled ? "cancelled" : rest.length > 0 ? "expired" : "completed";
    await store.changeBatch(batch.id, { status, endedAt: now(), outputFile, errorFile });
  }

  /** Named after the batch, so that a batch that is finished twice has its files once. */
  async function resultFile(batch: StoredBatch, what: "output" | "error", lines: readonly string[]) {
    if (lines.length === 0) {
      return null;
    }
    const id = `file-${createHash("sha256").update(`${batch.id}:${what}`).digest("hex").slice(0, 24)}`;
    const content = utf8(`${lines.join("\n")}\n`);
    await store.removeFile(batch.account, id);
    const file = { id, filename: `${batch.id}_${what}.jsonl`, purpose: "batch_output", bytes: content.length };
    await store.addFile(batch.account, { ...file, createdAt: now() }, content);
    return id;
  }

  function run(batch: StoredBatch): void {
    if (running.has(batch.id) || stopping) {
      return;
    }
    const stop = new AbortController();
    if (batch.status === "cancelling") {
      stop.abort();
    }
    const done = work(batch, stop.signal)
      .catch((error: unknown) => log("error", `batch ${batch.id} stopped: ${errorMessage(error)}`))
      .finally(() => running.delete(batch.id));
    running.set(batch.id, { stop, done });
  }

  return {
    run,
    async resume() {
      for (const batch of await store.unfinished()) {
        run(batch);
      }
    },
    cancel: (id) => running.get(id)?.stop.abort(),
    async stop() {
      stopping = true;
      for (const { stop } of running.values()) {
        stop.abort();
      }
      await Promise.all([...running.values()].map(({ done }) => done));
    },
  };
}

export function newId(prefix: string): string {
  return prefix + randomBytes(12).toString("hex");
}

function isOver({ createdAt }: StoredBatch): boolean {
  return now() > createdAt + WINDOW_SECONDS;
}

function lineId(batch: string, line: number): string {
  return `batch_req_${createHash("sha256").update(`${batch}:${line}`).digest("hex").slice(0, 24)}`;
}

function answeredLine(id: string, line: number, customId: string, { status, headers, body }: WholeReply): LineResult {
  const request_id = headers["x-request-id"] ?? id;
  const answer: unknown = JSON.parse(Buffer.from(body).toString());
  const response = { status_code: status, request_id, body: answer };
  return { line, ok: status < 400, json: JSON.stringify({ id, custom_id: customId, response, error: null }) };
}

function failedLine(id: string, { line, customId }: BatchLine, error: unknown): LineResult {
  const { code, message } = describeError(error).body.error;
  return { line, ok: false, json: errorLine(id, customId, code, message) };
}

function errorLine(id: string, customId: string | null, code: string, message: string): string {
  return JSON.stringify({ id, custom_id: customId, response: null, error: { code, message } });
}

function keyEnded(account: string): DepinferError {
  return new DepinferError({
    code: "key.revoked",
    message: `The API key of ${account} does not work any more`,
    remedy: "Ask the owner of this gateway for another one, and send the lines again",
  });
}
