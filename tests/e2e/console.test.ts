import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fromHex, type Hex, PASS_USE_TYPES, passUseDomain } from "@depinfer/protocol";
import { passesAbi, testUsdAbi } from "@depinfer/protocol/abi";
import {
  CONSOLE_VERIFY_PATH,
  consoleApi,
  type Endpoint,
  gatewayApi,
  type VerifyEventName,
  verifyEvents,
  walletAnswerSchema,
} from "@depinfer/protocol/api";
import { encodeFunctionData } from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { depinfer, discard, startTestNetwork, type TestNetwork } from "./local-network.ts";

/* What the dashboard's pages stand on: the console beside a whole network, and what a gateway tells the holder of a key. */

let network: TestNetwork;
let dashboardUrl = "";
beforeAll(async () => {
  network = await startTestNetwork(["--dashboard", "--providers", "1", "--validators", "0"]);
  const access: unknown = JSON.parse(readFileSync(join(network.home, "access.json"), "utf8"));
  dashboardUrl = z.object({ dashboardUrl: z.string() }).parse(access).dashboardUrl;
}, 180_000);
afterAll(() => discard(network), 30_000);

const authorized = () => ({ authorization: `Bearer ${network.access.apiKey}` });

async function get<Answer extends z.ZodType>(
  { method, path, answer }: Pick<Endpoint<z.ZodType, Answer>, "method" | "path" | "answer">,
  params: Readonly<Record<string, string>> = {},
  body?: object,
): Promise<z.output<Answer>> {
  const filled = path.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
  const base = path.startsWith("/v1/") ? network.access.url : dashboardUrl;
  const response = await fetch(`${base}${filled}`, {
    method,
    headers: path.startsWith("/v1/") ? authorized() : {},
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect(response.status).toBe(200);
  return answer.parse(await response.json());
}

/** Asks for an answer and returns the id of its receipt. */
async function chat(): Promise<{ id: string; remaining: string | null }> {
  const response = await fetch(`${network.access.url}/v1/chat/completions`, {
    method: "POST",
    headers: authorized(),
    body: JSON.stringify({
      model: "Depinfer Tiny",
      messages: [{ role: "user", content: "Tell me a short story about a fox." }],
      max_tokens: 80,
    }),
  });
  await response.text();
  const { headers } = response;
  return { id: headers.get("x-depinfer-receipt") ?? "", remaining: headers.get("x-depinfer-pass-remaining") };
}

/** Verifies what a gateway said of an answer; resolves with the data of each event by name. */
async function verify(receipt: unknown) {
  const response = await fetch(`${dashboardUrl}${CONSOLE_VERIFY_PATH}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ receipt }),
  });
  expect(response.status).toBe(200);
  const events = (await response.text()).split("\n\n").filter((text) => text.startsWith("event: "));
  return <Schema extends z.ZodType>(wanted: VerifyEventName, schema: Schema) =>
    events
      .map((text) => /^event: (\w+)\ndata: (.*)$/.exec(text) ?? [])
      .filter(([, name]) => name === wanted)
      .map(([, , data = "null"]) => schema.parse(JSON.parse(data)));
}

const receiptJson = async (id: string): Promise<unknown> =>
  (await fetch(`${network.access.url}/v1/receipts/${id}`, { headers: authorized() })).json();

test("the page is there, whole, and says where its servers are", async () => {
  const page = await fetch(dashboardUrl);
  expect(page.status).toBe(200);
  const html = await page.text();
  expect(html).toContain('<div id="root">');
  const [, script = ""] = /src="(\.\/assets\/[^"]+\.js)"/.exec(html) ?? [];
  expect((await fetch(new URL(script, dashboardUrl))).headers.get("cache-control")).toContain("immutable");
  expect(await get(consoleApi.config)).toMatchObject({
    gatewayUrl: network.access.url,
    indexerUrl: network.access.indexerUrl,
    apiKey: network.access.apiKey,
    local: true,
    console: true,
    testMoney: true,
    testWallet: true,
  });
  // Pages of a static host get no further than the gateway lets them; this one is let.
  expect(page.headers.get("content-security-policy")).toContain(`${network.access.url} ${network.access.indexerUrl}`);
});

test("every answer of the APIs is as it is described", async () => {
  const { id } = await chat();
  for (const endpoint of Object.values<Endpoint>(gatewayApi).filter(({ method }) => method === "GET")) {
    await get(endpoint, { id: endpoint.path.startsWith("/v1/models") ? "Depinfer Tiny" : id });
  }
  for (const endpoint of Object.values<Endpoint>(consoleApi).filter(({ method }) => method === "GET")) {
    await get(endpoint, { name: "proof" });
  }
});

describe("verifying", () => {
  test("tells every margin once and in order, and ends with what the command line says", async () => {
    const { id } = await chat();
    const events = await verify(await receiptJson(id));
    const [verdict] = events("verdict", verifyEvents.verdict);
    const margins = events("margins", verifyEvents.margins);
    expect(margins.flatMap(({ values }) => values)).toEqual(verdict?.statistic.margins);
    expect(margins.map(({ from }) => from)).toEqual(
      margins.map((_, index) => margins.slice(0, index).reduce((sum, { values }) => sum + values.length, 0)),
    );
    expect(verdict).toMatchObject({ verdict: "pass", threshold: { clip: 2, minimumTokens: 8 } });
    expect(events("progress", verifyEvents.progress).at(-1)).toMatchObject({
      phase: "scoring",
      scored: verdict?.statistic.tokens,
    });
    const { stdout } = await depinfer("verify", id, "--home", network.home, "--json");
    expect(verdict).toMatchObject(
      z.object({ verdict: z.string(), reason: z.string(), receiptId: z.string() }).parse(JSON.parse(stdout)),
    );
  });

  test("says by its code what cannot be verified", async () => {
    const { id } = await chat();
    const file = z
      .looseObject({ transcript: z.looseObject({ outputTokens: z.array(z.number()) }) })
      .parse(await receiptJson(id));
    const [first = 0, ...others] = file.transcript.outputTokens;
    const transcript = { ...file.transcript, outputTokens: [first + 1, ...others] };
    expect((await verify({ ...file, transcript }))("error", verifyEvents.error)).toMatchObject([
      { code: "transcript.notOpening" },
    ]);
    expect((await verify({ ...file, receipt: null }))("error", verifyEvents.error)).toMatchObject([
      { code: "verify.noReceipt" },
    ]);
  });

  test("whoever goes away leaves the place to the next one", async () => {
    const { id } = await chat();
    const receipt = await receiptJson(id);
    const gone = new AbortController();
    const left = fetch(`${dashboardUrl}${CONSOLE_VERIFY_PATH}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ receipt }),
      signal: gone.signal,
    }).then((response) => response.text());
    gone.abort();
    await expect(left).rejects.toThrow();
    expect((await verify(receipt))("verdict", verifyEvents.verdict)).toMatchObject([{ verdict: "pass" }]);
  });
});

async function wallet(method: string, params: readonly unknown[]): Promise<z.output<typeof walletAnswerSchema>> {
  const response = await fetch(`${dashboardUrl}/api/wallet`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  return walletAnswerSchema.parse(await response.json());
}

test("a visitor buys a pass with the test wallet, pays with it by a signature, and takes it off again", async () => {
  const { contracts, chainId } = await get(consoleApi.config);
  const [visitor = ""] = z.array(z.string()).parse((await wallet("eth_requestAccounts", [])).result);
  const { testUsd, passes } = z.object({ testUsd: z.string(), passes: z.string() }).parse(contracts);
  const { use } = await get(gatewayApi.pass);
  const send = async (to: string, data: Hex) => {
    const { result, error } = await wallet("eth_sendTransaction", [{ from: visitor, to, data }]);
    expect(error).toBeUndefined();
    expect((await wallet("eth_getTransactionReceipt", [result])).result).toMatchObject({ status: "0x1" });
  };
  const [tier] = await network.chain.passes.tiers();
  const price = tier?.price ?? 0n;
  await send(testUsd, encodeFunctionData({ abi: testUsdAbi, functionName: "approve", args: [use.contract, price] }));
  await send(
    passes,
    encodeFunctionData({
      abi: passesAbi,
      functionName: "buy",
      args: [tier?.id ?? 0n, use.operator, use.signer, price],
    }),
  );
  const [pass = 0n] = await network.chain.passes.passesOf(`0x${visitor.slice(2)}`);
  const money = await get(consoleApi.money);
  const ofVisitor = money.positions.filter(({ service }) => service === "visitor");
  expect(ofVisitor.find(({ keeper }) => keeper === "passes")?.amount).toBe(price);
  expect(money.total).toBe(money.positions.reduce((sum, { amount }) => sum + amount, 0n));

  const typed = {
    domain: passUseDomain({ chainId: chainId ?? 0, verifyingContract: use.contract }),
    types: PASS_USE_TYPES,
    primaryType: "UsePass",
    message: { pass: pass.toString(), keyHash: use.keyHash, operator: use.operator },
  };
  const { result: signature } = await wallet("eth_signTypedData_v4", [visitor, typed]);
  expect(fromHex(String(signature))).toHaveLength(65);
  const bound = await get(gatewayApi.bindPass, {}, { pass: pass.toString(), signature });
  expect(bound.pass).toMatchObject({ id: pass, holder: visitor, fault: null, usedTokens: 0n });
  const paid = await chat();
  expect(Number(paid.remaining)).toBeLessThan(Number(tier?.quota));
  expect((await get(gatewayApi.receipt, { id: paid.id })).pass).toBe(pass);
  expect((await get(gatewayApi.unbindPass)).pass).toBeNull();
  expect((await chat()).remaining).toBeNull();
});
