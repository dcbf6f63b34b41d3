import { mkdtempSync, rmSync } from "node:fs";
import { type Agent, request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Answer, AnswerHandlers, Ask, Buyer, StoredRequest } from "@depinfer/client";
import { type Journal, openJournal } from "@depinfer/journal";
import { DepinferError, type Hex, microUsd, type Offer } from "@depinfer/protocol";
import { createAdmission } from "./admission/admission.ts";
import { ownJournal } from "./admission/own-journal.ts";
import { BATCH_MIGRATIONS, createBatchStore } from "./batches/batch-store.ts";
import { createGateway, type Gateway, type GatewayModules, type GatewayOptions } from "./gateway.ts";
import { createIdempotency } from "./idempotency.ts";
import { journalKeys } from "./journal-keys.ts";
import { createKeys, type Keys } from "./keys.ts";
import { localAccountStates } from "./limits/account-state.ts";
import { GATEWAY_MIGRATIONS } from "./migrations.ts";
import { createResponseStore, RESPONSE_MIGRATIONS } from "./responses/response-store.ts";

/* For tests: the endpoint over real HTTP and a real journal. The buyer behind it is a stand-in that does what each test says. */

export const zero = `0x${"00".repeat(32)}` as const;
export const account = `0x${"0a".repeat(20)}` as const;
export const offer: Offer = {
  v: 1,
  peerId: "12D3KooWGatewayTest",
  addresses: [],
  provider: account,
  receiptKey: account,
  model: "words",
  classId: zero,
  proofLevel: "seeded",
  prices: { inputPerMillion: microUsd(1), cachedInputPerMillion: microUsd(1), outputPerMillion: microUsd(1) },
  contextLength: 100,
  slots: 1,
  idleSlots: 1,
  region: "test",
  sequence: 1,
  issuedAt: 1_000,
  expiresAt: 9_000,
};
export const answer: Answer = {
  requestId: zero,
  offer,
  stopReason: "end",
  usage: { promptTokens: 3, cachedTokens: 0, outputTokens: 2 },
  cost: microUsd(5),
  receipts: [zero],
};

export type Behaviour = (ask: Ask, handlers: AnswerHandlers, signal?: AbortSignal) => Promise<Answer>;

export const says =
  (...pieces: string[]): Behaviour =>
  async (ask, { onAccept, onText }) => {
    ask.onBegun?.(zero);
    onAccept?.({
      requestId: zero,
      offer,
      accept: { providerNonce: zero, promptTokens: 3, cachedTokens: 0, promptHash: zero },
    });
    for (const piece of pieces) {
      await onText(piece);
    }
    return answer;
  };

export const fails =
  (code: string, options: { retryable?: boolean; after?: string; param?: string } = {}): Behaviour =>
  async (ask, handlers) => {
    if (options.after !== undefined) {
      await says(options.after)(ask, handlers);
    }
    throw new DepinferError({
      code,
      message: `it was ${code}`,
      remedy: "Do something about it",
      retryable: options.retryable ?? false,
      ...(options.param === undefined ? {} : { metadata: { param: options.param } }),
    });
  };

export function storedRequest(id: Hex, name: string, changes: Partial<StoredRequest> = {}): StoredRequest {
  return {
    id,
    channelId: zero,
    provider: account,
    peerId: "peer",
    model: "words",
    account: name,
    reserved: microUsd(0),
    pass: null,
    usage: { promptTokens: 0, cachedTokens: 0, outputTokens: 0 },
    startedAt: 1,
    request: new Uint8Array(),
    state: "done",
    cost: microUsd(1),
    providerNonce: null,
    tokens: [],
    text: "",
    signed: null,
    fault: null,
    ...changes,
  };
}

/** What the buyer does, and what it was asked. */
export interface StandIn {
  behave: Behaviour;
  asked: Ask[];
  spent: bigint;
  offers: readonly Offer[];
  stored: StoredRequest[];
  absorbed: Hex[];
  statement: ReturnType<Buyer["statement"]>;
  readonly buyer: Buyer;
  /** Forgets what the last test said. */
  reset(): void;
}

export function createStandIn(): StandIn {
  const initial = () => ({
    behave: says("hello", " there"),
    asked: [],
    spent: 0n,
    offers: [offer],
    stored: [],
    absorbed: [],
    statement: [],
  });
  const standIn: StandIn = {
    ...initial(),
    reset() {
      Object.assign(standIn, initial());
    },
    buyer: {
      start: async () => undefined,
      stop: async () => undefined,
      ask(ask, handlers, signal) {
        standIn.asked.push(ask);
        return standIn.behave(ask, handlers, signal);
      },
      offers: () => standIn.offers,
      request: (id) => standIn.stored.find((entry) => entry.id === id),
      requests: (limit, of) =>
        standIn.stored
          .filter(({ account: name }) => of === undefined || name === of.account)
          .toSorted((a, b) => b.startedAt - a.startedAt || (a.id < b.id ? 1 : -1))
          .filter(({ startedAt, id }) => isBefore({ startedAt, id }, of?.before))
          .slice(0, limit),
      transcript: () => undefined,
      absorb: async (id) => {
        standIn.absorbed.push(id);
      },
      story: () => undefined,
      health: () => [],
      spent: () => microUsd(standIn.spent),
      account: () => ({ spent: microUsd(standIn.spent), reserved: microUsd(0) }),
      statement: () => standIn.statement,
      channels: () => [],
      withdraw: () => Promise.reject(new Error("a test buyer has no channels")),
      finishWithdrawals: async () => ({ closed: [], waiting: [], returned: 0n }),
      money: () => ({ deposited: 0n, owed: 0n, channels: 0 }),
    },
  };
  return standIn;
}

function isBefore(one: Place, other: Place | undefined): boolean {
  return (
    other === undefined || one.startedAt < other.startedAt || (one.startedAt === other.startedAt && one.id < other.id)
  );
}

type Place = Pick<StoredRequest, "startedAt" | "id">;

export interface Reply {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
  readonly error: { message?: string; type?: string; param?: string | null; code?: string };
}

export interface Call {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly agent?: Agent;
}

export const chatBody = (extra: object = {}) =>
  JSON.stringify({ model: "words", messages: [{ role: "user", content: "hi" }], ...extra });

/** A gateway that runs, and a client for it. */
export interface TestGateway {
  readonly standIn: StandIn;
  readonly gateway: Gateway;
  readonly modules: GatewayModules;
  readonly keys: Keys;
  readonly journal: Journal;
  readonly logged: string[];
  /** The key that calls are made with unless they name another. */
  readonly key: string;
  /** As `fetch`, but any header may be sent, `Host` among them. */
  call(path: string, options?: Call): Promise<Reply>;
  chat(extra?: object, options?: Call): Promise<Reply>;
  /** Starts it again on the same journal, as after a crash. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** @param extend modules that only some tests want. */
export async function startTestGateway(
  options: Partial<GatewayOptions> = {},
  extend: (
    journal: Journal,
    standIn: StandIn,
  ) => Partial<GatewayModules> | Promise<Partial<GatewayModules>> = () => ({}),
): Promise<TestGateway> {
  const home = mkdtempSync(join(tmpdir(), "depinfer-gateway-"));
  const standIn = createStandIn();
  const logged: string[] = [];

  async function open() {
    const journal = openJournal({
      path: join(home, "journal.sqlite"),
      parts: { gateway: GATEWAY_MIGRATIONS, responses: RESPONSE_MIGRATIONS, batches: BATCH_MIGRATIONS },
    });
    const keys = createKeys(journalKeys(journal));
    const modules: GatewayModules = {
      buyer: standIn.buyer,
      keys,
      admission: createAdmission({ states: localAccountStates(), seats: ownJournal(standIn.buyer) }),
      idempotency: createIdempotency(journal),
      responses: createResponseStore(journal),
      batches: createBatchStore(journal),
      log: (_level, message) => logged.push(message),
      ...(await extend(journal, standIn)),
    };
    const gateway = createGateway(modules, { port: 0, bodyLimit: 10_000, allowedHosts: ["api.example"], ...options });
    await gateway.start();
    return { journal, keys, modules, gateway };
  }

  async function close() {
    await now.gateway.stop();
    now.journal.close();
  }

  let now = await open();
  const key = await now.keys.create("one", null);
  const test: TestGateway = {
    standIn,
    logged,
    key,
    get gateway() {
      return now.gateway;
    },
    get modules() {
      return now.modules;
    },
    get keys() {
      return now.keys;
    },
    get journal() {
      return now.journal;
    },
    call: (path, { method = "GET", headers = {}, body, agent } = {}) =>
      new Promise((resolve, reject) => {
        const request = httpRequest(
          {
            port: now.gateway.port,
            host: "127.0.0.1",
            path,
            method,
            headers: { authorization: `Bearer ${key}`, ...headers },
            agent,
          },
          (response) => {
            let text = "";
            response.on("data", (chunk: Buffer) => {
              text += chunk.toString();
            });
            response.on("error", reject);
            response.on("end", () => {
              const json = text.startsWith("{") ? JSON.parse(text) : {};
              resolve({ status: response.statusCode ?? 0, headers: response.headers, text, error: json.error ?? {} });
            });
          },
        );
        request.on("error", reject);
        request.end(body);
      }),
    chat: (extra = {}, call = {}) =>
      test.call("/v1/chat/completions", { method: "POST", body: chatBody(extra), ...call }),
    async restart() {
      await close();
      now = await open();
    },
    async stop() {
      await close();
      rmSync(home, { recursive: true, force: true });
    },
  };
  return test;
}
