import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request as httpRequest } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Answer, AnswerHandlers, Ask, Buyer } from "@depinfer/client";
import { openJournal } from "@depinfer/journal";
import { DepinferError, microUsd, type Offer } from "@depinfer/protocol";
import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createGateway, type Gateway } from "./gateway.ts";
import { createKeys, GATEWAY_MIGRATIONS } from "./keys.ts";

/* The endpoint over real HTTP. The buyer behind it is a stand-in that does what each test says. */

const zero = `0x${"00".repeat(32)}` as const;
const account = `0x${"0a".repeat(20)}` as const;
const offer: Offer = {
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
const answer: Answer = {
  requestId: zero,
  offer,
  stopReason: "end",
  usage: { promptTokens: 3, cachedTokens: 0, outputTokens: 2 },
  cost: microUsd(5),
};

type Behaviour = (ask: Ask, handlers: AnswerHandlers, signal?: AbortSignal) => Promise<Answer>;
const says =
  (...pieces: string[]): Behaviour =>
  async (_ask, { onAccept, onText }) => {
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
const fails =
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

const home = mkdtempSync(join(tmpdir(), "depinfer-gateway-"));
const logged: string[] = [];
let behave: Behaviour = says("hello", " there");
let asked: Ask[] = [];
let spent = 0n;
let offers: readonly Offer[] = [offer];
let stored: { id: typeof zero; account: string }[] = [];
let gateway: Gateway;
let key: string;
let otherKey: string;
let poorKey: string;

const buyer: Buyer = {
  start: async () => undefined,
  stop: () => undefined,
  ask(ask, handlers, signal) {
    asked.push(ask);
    return behave(ask, handlers, signal);
  },
  offers: () => offers,
  request(id) {
    const found = stored.find((entry) => entry.id === id);
    return found === undefined ? undefined : storedRequest(found.id, found.account);
  },
  requests: () => stored.map(({ id, account: name }) => storedRequest(id, name)),
  transcript: () => undefined,
  decision: () => undefined,
  spent: () => microUsd(spent),
  account: () => ({ spent: microUsd(spent), reserved: microUsd(0) }),
  statement: () => [],
  channels: () => [],
  money: () => ({ deposited: 0n, owed: 0n, channels: 0 }),
};

function storedRequest(id: typeof zero, name: string) {
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
    state: "done" as const,
    cost: microUsd(1),
    providerNonce: null,
    tokens: [],
    text: "",
    signed: null,
    fault: null,
  };
}

beforeAll(async () => {
  const journal = openJournal({ path: join(home, "journal.sqlite"), parts: { gateway: GATEWAY_MIGRATIONS } });
  const keys = createKeys(journal);
  key = keys.create("one", null);
  otherKey = keys.create("two", null);
  poorKey = keys.create("poor", microUsd(10));
  gateway = createGateway(
    { buyer, keys, log: (_level, message) => logged.push(message) },
    { port: 0, bodyLimit: 10_000, allowedHosts: ["api.example"] },
  );
  await gateway.start();
});
afterAll(async () => {
  await gateway.stop();
  rmSync(home, { recursive: true, force: true });
});
beforeEach(() => {
  behave = says("hello", " there");
  asked = [];
  spent = 0n;
  offers = [offer];
  stored = [];
});

interface Reply {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
  readonly error: { message?: string; type?: string; param?: string | null; code?: string };
}

interface Call {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly agent?: Agent;
}

/** As `fetch`, but any header may be sent, `Host` among them. */
function call(path: string, { method = "GET", headers = {}, body, agent }: Call = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        port: gateway.port,
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
        response.on("end", () => {
          const json = text.startsWith("{") ? JSON.parse(text) : {};
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, error: json.error ?? {} });
        });
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

const chatBody = (extra: object = {}) =>
  JSON.stringify({ model: "words", messages: [{ role: "user", content: "hi" }], ...extra });
const chat = (extra: object = {}, options: Call = {}) =>
  call("/v1/chat/completions", { method: "POST", body: chatBody(extra), ...options });

describe("a failed request has the status and the body that OpenAI's clients read", () => {
  test.each<[string, number, string, string, boolean]>([
    ["request.contextExceeded", 400, "invalid_request_error", "context_length_exceeded", false],
    ["request.invalid", 400, "invalid_request_error", "request.invalid", false],
    ["request.cancelled", 499, "invalid_request_error", "request.cancelled", false],
    ["budget.exhausted", 429, "insufficient_quota", "insufficient_quota", false],
    ["wallet.insufficient", 402, "insufficient_quota", "wallet.insufficient", false],
    ["route.unknownModel", 404, "invalid_request_error", "model_not_found", false],
    ["route.noProvider", 503, "server_error", "route.noProvider", true],
    ["provider.busy", 503, "server_error", "provider.busy", true],
    ["chain.unreachable", 503, "server_error", "chain.unreachable", true],
    ["provider.silent", 502, "server_error", "provider.silent", true],
    ["payment.voucherDue", 502, "server_error", "payment.voucherDue", true],
  ])("%s is %i", async (code, status, type, publicCode, retryable) => {
    for (const stream of [false, true]) {
      behave = fails(code, { retryable });
      const reply = await chat({ stream });
      expect(reply.status).toBe(status);
      expect(reply.headers["content-type"]).toBe("application/json");
      expect(reply.error).toEqual({
        message: `it was ${code}. Do something about it.`,
        type,
        param: null,
        code: publicCode,
      });
      expect(reply.headers["retry-after"] !== undefined).toBe(retryable);
    }
    behave = says("alive");
    expect((await chat()).status).toBe(200);
  });

  test("a bug of ours is 500 and is logged", async () => {
    behave = () => Promise.reject(new TypeError("oops"));
    expect(await chat()).toMatchObject({ status: 500, error: { code: "internal", type: "server_error" } });
    expect(logged.at(-1)).toContain("oops");
  });
});

describe("input that is refused before anything is bought", () => {
  test.each<[string, string, number, string | null]>([
    ["no JSON", "{nonsense", 400, null],
    ["nothing", "", 400, null],
    ["no object", "[]", 400, null],
    ["no model", '{"messages":[]}', 400, "model"],
    ["a wrong type", chatBody({ temperature: "hot" }), 400, "temperature"],
    ["an unknown parameter", chatBody({ sing: true }), 400, "sing"],
    ["a parameter that cannot be honoured", chatBody({ n: 2 }), 400, "n"],
    ["bytes that are no UTF-8", "\u0000\ud800", 400, null],
  ])("%s", async (_what, body, status, param) => {
    const reply = await call("/v1/chat/completions", { method: "POST", body });
    expect(reply).toMatchObject({ status, error: { type: "invalid_request_error", param } });
    expect(asked).toEqual([]);
  });

  test("a body above the limit, announced or not, is 413 and is not read to its end", async () => {
    const body = chatBody({ user: "x".repeat(20_000) });
    expect(await call("/v1/chat/completions", { method: "POST", body })).toMatchObject({ status: 413 });
    const chunked = await call("/v1/chat/completions", {
      method: "POST",
      body,
      headers: { "transfer-encoding": "chunked" },
    });
    expect(chunked).toMatchObject({ status: 413, error: { code: "request.tooLarge" } });
    expect(asked).toEqual([]);
  });

  test("keys that are missing or unknown are 401, on every endpoint", async () => {
    for (const path of ["/v1/models", "/v1/offers", "/v1/receipts", `/v1/receipts/${zero}`]) {
      for (const authorization of ["", "Bearer", "Bearer sk-depinfer-wrong", "Basic eDp5"]) {
        expect(await call(path, { headers: { authorization } }), path).toMatchObject({
          status: 401,
          error: { type: "authentication_error", code: "invalid_api_key" },
        });
      }
    }
    expect(await chat({}, { headers: { authorization: "Bearer nonsense" } })).toMatchObject({ status: 401 });
    expect(asked).toEqual([]);
  });

  test("paths and methods that do not exist name those that do", async () => {
    expect(await call("/v1/nothing")).toMatchObject({ status: 404, error: { code: "http.notFound" } });
    const wrong = await call("/v1/chat/completions");
    expect(wrong).toMatchObject({ status: 405, error: { message: expect.stringContaining("Use POST") } });
    expect(await call("//")).toMatchObject({ status: 404 });
  });

  test("an audit header that is no flag names the header", async () => {
    expect(await chat({}, { headers: { "x-depinfer-audit": "everybody" } })).toMatchObject({
      status: 400,
      error: { param: "x-depinfer-audit" },
    });
  });

  test("a provider header that holds no account names the header", async () => {
    expect(await chat({}, { headers: { "x-depinfer-provider": "somebody" } })).toMatchObject({
      status: 400,
      error: { param: "x-depinfer-provider" },
    });
  });

  test("a budget that is used up is 429", async () => {
    spent = 10n;
    const reply = await chat({}, { headers: { authorization: `Bearer ${poorKey}` } });
    expect(reply).toMatchObject({ status: 429, error: { type: "insufficient_quota", code: "insufficient_quota" } });
    expect(asked).toEqual([]);
  });
});

describe("a demanded level of proof", () => {
  const demanded = (options: { header?: string; body?: string }) =>
    chat(options.body === undefined ? {} : { proof: { min: options.body } }, {
      headers: options.header === undefined ? {} : { "x-depinfer-min-proof": options.header },
    });

  test("comes from the header or the body, and the stricter one counts", async () => {
    await demanded({});
    await demanded({ header: "greedy" });
    await demanded({ body: "seeded" });
    await demanded({ header: "greedy", body: "replay" });
    expect(asked.map(({ policy }) => policy.minProofLevel)).toEqual(["none", "greedy", "seeded", "replay"]);
  });

  test("that is no level is 400 and names where it stands", async () => {
    expect(await demanded({ header: "sure" })).toMatchObject({
      status: 400,
      error: { code: "request.invalid", param: "x-depinfer-min-proof" },
    });
    expect(await demanded({ body: "sure" })).toMatchObject({ status: 400, error: { param: "proof.min" } });
    expect(await demanded({ header: "attested-SIMULATED" })).toMatchObject({ status: 400 });
    expect(asked).toEqual([]);
  });

  test("of the gateway itself cannot be lowered by a request", async () => {
    const strict = createGateway(
      { buyer, keys: { create: () => "", authenticate: () => ({ name: "", budget: null }) }, log: () => undefined },
      { port: 0, minProofLevel: "seeded" },
    );
    await strict.start();
    try {
      await fetch(`http://127.0.0.1:${strict.port}/v1/chat/completions`, {
        method: "POST",
        headers: { "x-depinfer-min-proof": "none" },
        body: chatBody(),
      });
      expect(asked[0]?.policy).toMatchObject({ minProofLevel: "seeded", allowSimulatedAttestation: false });
    } finally {
      await strict.stop();
    }
  });

  test("is answered with the level of the answer, which for a greedy offer depends on the temperature", async () => {
    const greedy: Offer = { ...offer, proofLevel: "greedy" };
    behave = async (_ask, { onText }) => {
      await onText("hi");
      return { ...answer, offer: greedy };
    };
    expect((await chat({ temperature: 0 })).headers["x-depinfer-proof-level"]).toBe("greedy");
    expect((await chat({ temperature: 1 })).headers["x-depinfer-proof-level"]).toBe("none");
  });

  test("can be chosen from what the models list", async () => {
    offers = [offer, { ...offer, proofLevel: "attested-SIMULATED" }, { ...offer, proofLevel: "none" }];
    const { data } = JSON.parse((await call("/v1/models")).text);
    expect(data[0].depinfer.proof_levels).toEqual(["none", "seeded", "attested-SIMULATED"]);
  });
});

describe("tensors", () => {
  const tensors = { x: { type: "float32" as const, shape: [1], data: "AACAPw==" } };
  const infer = (body: object, options: Call = {}) =>
    call("/v1/infer", { method: "POST", body: JSON.stringify(body), ...options });

  test("go in and come back as JSON, with the level of the answer", async () => {
    const replay: Offer = { ...offer, proofLevel: "replay" };
    behave = async (ask, { onText }) => {
      expect(ask).toMatchObject({
        endpoint: "infer",
        maxTokens: 7,
        policy: { model: "words", minProofLevel: "replay" },
      });
      await onText('{"y":{"data":"AACAPw==",');
      await onText('"shape":[1],"type":"float32"}}');
      return { ...answer, offer: replay };
    };
    const reply = await infer({ model: "words", inputs: tensors, max_output_words: 7, proof: { min: "replay" } });
    expect(reply.headers["x-depinfer-proof-level"]).toBe("replay");
    expect(JSON.parse(reply.text)).toMatchObject({
      object: "tensors",
      outputs: { y: tensors.x },
      usage: { input_words: 3, output_words: 2 },
    });
  });

  test("that are none are 400 on the way in and 502 on the way back", async () => {
    expect(await infer({ model: "words", inputs: { x: { ...tensors.x, shape: [2] } } })).toMatchObject({
      status: 400,
      error: { code: "request.invalid", param: "inputs.x" },
    });
    expect(await infer({ model: "words" })).toMatchObject({ status: 400, error: { param: "inputs" } });
    expect(asked).toEqual([]);
    behave = says("no tensors at all");
    expect(await infer({ model: "words", inputs: tensors })).toMatchObject({
      status: 502,
      error: { code: "tensor.badText" },
    });
  });
});

describe("who may call", () => {
  test.each([
    "localhost.evil.com",
    "evil.com",
    "127.0.0.1.evil.com",
    "localhost:80@evil.com",
    "evil.com:8080",
    "api.example.evil.com",
    "localhost.",
    "[::1].evil.com",
    "0.0.0.0",
  ])("a page that reaches us as host %s is refused", async (host) => {
    expect(await chat({}, { headers: { host } })).toMatchObject({ status: 421 });
    expect(asked).toEqual([]);
  });

  test.each(["localhost", "LOCALHOST:1234", "127.0.0.1:80", "[::1]:80", "api.example"])(
    "host %s is answered",
    async (host) => {
      expect(await chat({}, { headers: { host } })).toMatchObject({ status: 200 });
    },
  );

  test.each(["http://localhost.evil.com", "https://evil.com", "null", "http://127.0.0.1.evil.com", "file://"])(
    "a page from %s is refused",
    async (origin) => {
      expect(await chat({}, { headers: { origin } })).toMatchObject({ status: 403 });
    },
  );

  test("a page from this machine is answered", async () => {
    expect(await chat({}, { headers: { origin: "http://localhost:3000" } })).toMatchObject({ status: 200 });
  });
});

describe("what is passed on", () => {
  test("the body byte for byte, and no credentials", async () => {
    const secret = "Bearer secret-of-the-app";
    await chat({}, { headers: { "x-api-key": secret, cookie: secret, "openai-organization": secret } });
    expect(Buffer.from(asked[0]?.body ?? []).toString()).toBe(chatBody());
    expect(
      JSON.stringify(asked, (_name, value: unknown) =>
        value instanceof Uint8Array ? Buffer.from(value).toString() : value,
      ),
    ).not.toMatch(/secret|sk-depinfer/);
  });

  test("the key's account and budget, and the providers that the header allows", async () => {
    const headers = { authorization: `Bearer ${poorKey}`, "x-depinfer-provider": `${account}, ${account}` };
    await chat({}, { headers });
    expect(asked[0]).toMatchObject({
      account: "poor",
      budget: 10n,
      policy: { model: "words", providers: [account, account] },
    });
  });

  test("who may see the request when it is audited: the drawn validator, or whom the header names", async () => {
    await chat({});
    for (const flag of ["public", "validator", "none"]) {
      await chat({}, { headers: { "x-depinfer-audit": flag } });
    }
    expect(asked.map(({ audit }) => audit)).toEqual(["validator", "public", "validator", "none"]);
  });
});

test("two keys do not see each other's receipts", async () => {
  stored = [{ id: zero, account: "one" }];
  expect((await call(`/v1/receipts/${zero}`)).status).toBe(200);
  const headers = { authorization: `Bearer ${otherKey}` };
  expect(await call(`/v1/receipts/${zero}`, { headers })).toMatchObject({
    status: 404,
    error: { code: "receipt.unknown" },
  });
  expect(JSON.parse((await call("/v1/receipts", { headers })).text).data).toEqual([]);
  expect(JSON.parse((await call("/v1/receipts")).text).data).toHaveLength(1);
});

test("readiness says when no provider is online", async () => {
  offers = [];
  expect(await call("/readyz")).toMatchObject({ status: 503 });
  expect(await call("/healthz")).toMatchObject({ status: 200 });
});

test("one connection serves on after every kind of error", async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ports = new Set<string>();
  const over = async (work: Promise<Reply>) => {
    ports.add(String((await work).headers.connection));
    return work;
  };
  await over(call("/v1/nothing", { agent }));
  await over(call("/v1/models", { agent, headers: { authorization: "Bearer wrong" } }));
  await over(chat({}, { agent, headers: { authorization: "Bearer wrong" } }));
  await over(call("/v1/chat/completions", { agent, method: "POST", body: "{" }));
  behave = fails("provider.busy");
  await over(chat({}, { agent }));
  behave = says("fine");
  expect((await over(chat({}, { agent }))).status).toBe(200);
  expect(ports).toEqual(new Set(["keep-alive"]));
  agent.destroy();
});

describe("a stream", () => {
  const openai = () => new OpenAI({ baseURL: `http://127.0.0.1:${gateway.port}/v1`, apiKey: key, maxRetries: 0 });

  test("that breaks after its first text ends in an error frame, without [DONE], and the stock client raises", async () => {
    behave = fails("network.linkClosed", { after: "half an ans", retryable: true });
    const raw = await chat({ stream: true });
    expect(raw.status).toBe(200);
    expect(raw.text).not.toContain("[DONE]");
    const frames = raw.text.trim().split("\n\n");
    expect(JSON.parse(frames.at(-1)?.slice("data: ".length) ?? "")).toMatchObject({
      error: { code: "network.linkClosed", type: "server_error" },
    });
    let text = "";
    const reading = async () => {
      const stream = await openai().chat.completions.create({
        model: "words",
        messages: [{ role: "user", content: "hi" }],
        stream: true,
      });
      for await (const chunk of stream) {
        text += chunk.choices[0]?.delta.content ?? "";
      }
    };
    await expect(reading()).rejects.toThrow(/network.linkClosed/);
    expect(text).toBe("half an ans");
  });

  test("that fails before its first text has its error's status", async () => {
    behave = fails("route.noProvider", { retryable: true });
    const work = openai().chat.completions.create({
      model: "words",
      messages: [{ role: "user", content: "hi" }],
      stream: true,
    });
    await expect(work).rejects.toMatchObject({ status: 503, code: "route.noProvider" });
  });

  test("to a slow reader holds back its own provider and nobody else's", async () => {
    let given = 0;
    let aborted = false;
    behave = async (ask, handlers, signal) => {
      signal?.addEventListener("abort", () => {
        aborted = true;
      });
      const piece = "x".repeat(64 * 1024);
      await says()(ask, handlers);
      for (; given < 1_000 && !aborted; given++) {
        await handlers.onText(piece);
      }
      return answer;
    };
    const body = chatBody({ stream: true });
    const slow = connect(gateway.port, "127.0.0.1");
    slow.pause();
    slow.write(
      `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${key}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await expect.poll(() => given).toBeGreaterThan(2);
    let before = -1;
    await expect
      .poll(
        () => {
          const still = given === before;
          before = given;
          return still;
        },
        { interval: 200, timeout: 8_000 },
      )
      .toBe(true);
    expect(given).toBeLessThan(1_000);
    behave = says("quick");
    expect((await chat()).text).toContain("quick");
    slow.destroy();
    await expect.poll(() => aborted).toBe(true);
  });
});

test("the port of a gateway that runs is refused to another", async () => {
  const second = createGateway(
    { buyer, keys: { create: () => "", authenticate: () => ({ name: "", budget: null }) }, log: () => undefined },
    { port: gateway.port },
  );
  await expect(second.start()).rejects.toMatchObject({ code: "EADDRINUSE" });
  expect((await chat()).status).toBe(200);
});
