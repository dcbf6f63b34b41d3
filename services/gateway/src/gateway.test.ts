import { Agent } from "node:http";
import { connect } from "node:net";
import { microUsd, type Offer } from "@depinfer/protocol";
import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createGateway } from "./gateway.ts";
import { type ApiKey, SCOPES } from "./keys.ts";
import {
  account,
  answer,
  type Call,
  chatBody,
  fails,
  offer,
  type Reply,
  type StandIn,
  says,
  startTestGateway,
  storedRequest,
  type TestGateway,
  zero,
} from "./test-gateway.ts";

const NOBODY: ApiKey = {
  name: "",
  budget: null,
  pass: null,
  passHolder: null,
  scopes: SCOPES,
  limits: { requestsPerMinute: null, tokensPerMinute: null, concurrent: null },
  expiresAt: null,
  policy: null,
};

let running: TestGateway;
let standIn: StandIn;
let otherKey: string;
let poorKey: string;

beforeAll(async () => {
  running = await startTestGateway();
  ({ standIn } = running);
  otherKey = await running.keys.create("two", null);
  poorKey = await running.keys.create("poor", microUsd(10));
});
afterAll(() => running.stop());
beforeEach(() => standIn.reset());

const call: TestGateway["call"] = (path, options) => running.call(path, options);
const chat: TestGateway["chat"] = (extra, options) => running.chat(extra, options);

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
      standIn.behave = fails(code, { retryable });
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
    standIn.behave = says("alive");
    expect((await chat()).status).toBe(200);
  });

  test("a bug of ours is 500 and is logged", async () => {
    standIn.behave = () => Promise.reject(new TypeError("oops"));
    expect(await chat()).toMatchObject({ status: 500, error: { code: "internal", type: "server_error" } });
    expect(running.logged.at(-1)).toContain("oops");
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
    ["a parameter that cannot be honoured", chatBody({ n: 9 }), 400, "n"],
    ["bytes that are no UTF-8", "\u0000\ud800", 400, null],
  ])("%s", async (_what, body, status, param) => {
    const reply = await call("/v1/chat/completions", { method: "POST", body });
    expect(reply).toMatchObject({ status, error: { type: "invalid_request_error", param } });
    expect(standIn.asked).toEqual([]);
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
    expect(standIn.asked).toEqual([]);
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
    expect(standIn.asked).toEqual([]);
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
    standIn.spent = 10n;
    const reply = await chat({}, { headers: { authorization: `Bearer ${poorKey}` } });
    expect(reply).toMatchObject({ status: 429, error: { type: "insufficient_quota", code: "insufficient_quota" } });
    expect(standIn.asked).toEqual([]);
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
    expect(standIn.asked.map(({ policy }) => policy.minProofLevel)).toEqual(["none", "greedy", "seeded", "replay"]);
  });

  test("that is no level is 400 and names where it stands", async () => {
    expect(await demanded({ header: "sure" })).toMatchObject({
      status: 400,
      error: { code: "request.invalid", param: "x-depinfer-min-proof" },
    });
    expect(await demanded({ body: "sure" })).toMatchObject({ status: 400, error: { param: "proof.min" } });
    expect(await demanded({ header: "attested-SIMULATED" })).toMatchObject({ status: 400 });
    expect(standIn.asked).toEqual([]);
  });

  test("of the gateway itself cannot be lowered by a request", async () => {
    const strict = createGateway(
      { ...running.modules, keys: { ...running.keys, authenticate: async () => NOBODY } },
      { port: 0, minProofLevel: "seeded" },
    );
    await strict.start();
    try {
      await fetch(`http://127.0.0.1:${strict.port}/v1/chat/completions`, {
        method: "POST",
        headers: { "x-depinfer-min-proof": "none" },
        body: chatBody(),
      });
      expect(standIn.asked[0]?.policy).toMatchObject({ minProofLevel: "seeded", allowSimulatedAttestation: false });
    } finally {
      await strict.stop();
    }
  });

  test("is answered with the level of the answer, which for a greedy offer depends on the temperature", async () => {
    const greedy: Offer = { ...offer, proofLevel: "greedy" };
    standIn.behave = async (_ask, { onText }) => {
      await onText("hi");
      return { ...answer, offer: greedy };
    };
    expect((await chat({ temperature: 0 })).headers["x-depinfer-proof-level"]).toBe("greedy");
    expect((await chat({ temperature: 1 })).headers["x-depinfer-proof-level"]).toBe("none");
  });

  test("can be chosen from what the models list", async () => {
    standIn.offers = [offer, { ...offer, proofLevel: "attested-SIMULATED" }, { ...offer, proofLevel: "none" }];
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
    standIn.behave = async (ask, { onText }) => {
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
    expect(standIn.asked).toEqual([]);
    standIn.behave = says("no tensors at all");
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
    expect(standIn.asked).toEqual([]);
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
    expect(Buffer.from(standIn.asked[0]?.body ?? []).toString()).toBe(chatBody());
    expect(
      JSON.stringify(standIn.asked, (_name, value: unknown) =>
        value instanceof Uint8Array ? Buffer.from(value).toString() : value,
      ),
    ).not.toMatch(/secret|sk-depinfer/);
  });

  test("the key's account and budget, and the providers that the header allows", async () => {
    const headers = { authorization: `Bearer ${poorKey}`, "x-depinfer-provider": `${account}, ${account}` };
    await chat({}, { headers });
    expect(standIn.asked[0]).toMatchObject({
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
    expect(standIn.asked.map(({ audit }) => audit)).toEqual(["validator", "public", "validator", "none"]);
  });
});

test("two keys do not see each other's receipts", async () => {
  standIn.stored = [storedRequest(zero, "one")];
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
  standIn.offers = [];
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
  standIn.behave = fails("provider.busy");
  await over(chat({}, { agent }));
  standIn.behave = says("fine");
  expect((await over(chat({}, { agent }))).status).toBe(200);
  expect(ports).toEqual(new Set(["keep-alive"]));
  agent.destroy();
});

describe("a stream", () => {
  const openai = () =>
    new OpenAI({ baseURL: `http://127.0.0.1:${running.gateway.port}/v1`, apiKey: running.key, maxRetries: 0 });

  test("that breaks after its first text ends in an error frame, without [DONE], and the stock client raises", async () => {
    standIn.behave = fails("network.linkClosed", { after: "half an ans", retryable: true });
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
    standIn.behave = fails("route.noProvider", { retryable: true });
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
    standIn.behave = async (ask, handlers, signal) => {
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
    const slow = connect(running.gateway.port, "127.0.0.1");
    slow.pause();
    slow.write(
      `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${running.key}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
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
    standIn.behave = says("quick");
    expect((await chat()).text).toContain("quick");
    slow.destroy();
    await expect.poll(() => aborted).toBe(true);
  });
});

test("the port of a gateway that runs is refused to another", async () => {
  const second = createGateway(
    { ...running.modules, keys: { ...running.keys, authenticate: async () => NOBODY } },
    { port: running.gateway.port },
  );
  await expect(second.start()).rejects.toMatchObject({ code: "EADDRINUSE" });
  expect((await chat()).status).toBe(200);
});
