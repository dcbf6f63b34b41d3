import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { createChain, createSigner } from "@depinfer/chain";
import { createEvmAccount, type EvmAccount } from "@depinfer/chain/evm-account";
import { type Hex, toHex } from "@depinfer/protocol";
import { x402Client, x402HTTPClient } from "@x402/core/client";
import { decodePaymentResponseHeader } from "@x402/core/http";
import type { SchemeNetworkClient } from "@x402/core/types";
import { BatchSettlementEvmScheme } from "@x402/evm/batch-settlement/client";
import { ExactEvmScheme } from "@x402/evm/exact/client";
import { wrapFetchWithPayment } from "@x402/fetch";
import OpenAI from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { homePaths } from "../../apps/cli/src/home.ts";
import { readPassphrase, walletAddress } from "../../apps/cli/src/identity.ts";
import { callControl } from "../../apps/cli/src/service/control.ts";
import { discard, rpc, startTestNetwork, type TestNetwork, waitFor } from "./local-network.ts";

/* Somebody without a key buys answers of a real model on a real network, with the reference client of x402. */

const FUNDS = 50_000_000n;

let network: TestNetwork;
let model = "";
beforeAll(async () => {
  network = await startTestNetwork(["--providers", "2", "--validators", "0"]);
  const openai = new OpenAI({ baseURL: `${network.access.url}/v1`, apiKey: network.access.apiKey });
  model = (await openai.models.list()).data[0]?.id ?? "";
}, 120_000);
afterAll(() => discard(network), 30_000);

/** Gives an account gas and test dollars. */
async function fund(account: Hex, gas: boolean): Promise<void> {
  const { rpcUrl, deployment } = network.chain;
  const faucet = createSigner(toHex(randomBytes(32)));
  for (const owner of gas ? [faucet.address, account] : [faucet.address]) {
    await rpc(rpcUrl, "anvil_setBalance", [owner, "0xde0b6b3a7640000"]);
  }
  await createChain({ rpcUrl, deployment, account: faucet }).usd.mint(account, FUNDS);
}

/** A wallet with test dollars and no gas, and a client that pays with it. */
async function payer(scheme: (account: EvmAccount) => SchemeNetworkClient) {
  const { rpcUrl, deployment } = network.chain;
  const signer = createSigner(toHex(randomBytes(32)));
  await fund(signer.address, false);
  const account = createEvmAccount({ rpcUrl, deployment, account: signer });
  const client = new x402Client().register("eip155:*", scheme(account)).setSpendControls(false);
  return {
    fetch: wrapFetchWithPayment(fetch, new x402HTTPClient(client)),
    spent: async () => FUNDS - (await network.chain.usd.balanceOf(signer.address)),
  };
}

const incomeSchema = z.object({
  payer: z.string(),
  x402: z.array(z.object({ scheme: z.string(), payments: z.number(), amount: z.string().transform(BigInt) })),
});
const shopSchema = incomeSchema.pick({ x402: true });
const earnedBy = async (scheme: string) => {
  const state = incomeSchema.parse(await callControl(homePaths(network.home).service("gateway"), "state"));
  return state.x402.find((one) => one.scheme === scheme)?.amount ?? 0n;
};

const request = (extra: object = {}) => ({
  method: "POST",
  body: JSON.stringify({ model, messages: [{ role: "user", content: "Name a colour." }], max_tokens: 12, ...extra }),
});

test("one answer is bought by one signed transfer, with a receipt and a proof of the payment", async () => {
  const { fetch: paying, spent } = await payer((account) => new ExactEvmScheme(account));
  const url = `${network.access.url}/v1/chat/completions`;
  const refusal = await fetch(url, request());
  expect(refusal.status).toBe(402);
  expect(await refusal.text()).toMatch(/costs at most \$.*API key/);
  const response = await paying(url, request());
  const text = await response.text();
  expect(response.status, text).toBe(200);
  expect(JSON.parse(text).choices[0].message.content.length).toBeGreaterThan(0);
  expect(response.headers.get("x-depinfer-receipt")).toMatch(/^0x[0-9a-f]{64}$/);
  const payment = decodePaymentResponseHeader(response.headers.get("payment-response") ?? "");
  expect(payment.success).toBe(true);
  expect(await network.chain.transactionExists(toHex(Buffer.from(payment.transaction.slice(2), "hex")))).toBe(true);
  expect(await spent()).toBeGreaterThan(0n);
  expect(await earnedBy("exact")).toBe(await spent());
}, 60_000);

test("streams are bought over a channel by the stock client of OpenAI, and cost what they cost", async () => {
  const { fetch: paying, spent } = await payer((account) => new BatchSettlementEvmScheme(account));
  const openai = new OpenAI({
    baseURL: `${network.access.url}/v1`,
    apiKey: "none",
    maxRetries: 0,
    fetch: (input, init) => {
      const headers = new Headers(init?.headers);
      // The stock client always sends a key; who pays has none.
      headers.delete("authorization");
      return paying(input, { ...init, headers });
    },
  });
  const before = await earnedBy("batch-settlement");
  for (let i = 0; i < 3; i++) {
    let text = "";
    const stream = await openai.chat.completions.create({
      model,
      messages: [{ role: "user", content: "Name a colour." }],
      max_tokens: 12,
      stream: true,
    });
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
    }
    expect(text.length).toBeGreaterThan(0);
  }
  const deposit = await spent();
  const earned = (await earnedBy("batch-settlement")) - before;
  expect(earned).toBeGreaterThan(0n);
  expect(earned).toBeLessThan(deposit);
}, 60_000);

test("a provider sells its own model, and keeps the money", async () => {
  const paths = homePaths(network.home);
  const home = paths.service("shop");
  const wallet = await walletAddress(home, readPassphrase(paths.passphrase));
  await fund(wallet, true);
  const { child, url } = await startShop(home);
  try {
    const { fetch: paying, spent } = await payer((account) => new ExactEvmScheme(account));
    const shop = `${url}/v1/chat/completions`;
    await waitFor(
      async () => (await fetch(shop, request())).status === 402,
      30_000,
      () => "the shop does not know its own provider",
    );
    const response = await paying(shop, request());
    const text = await response.text();
    expect(response.status, text).toBe(200);
    expect(response.headers.get("x-depinfer-provider")).toBe(wallet);
    await callControl(home, "settle");
    expect(await spent()).toBeGreaterThan(0n);
    // Its own channel paid for the answer like any buyer's: the receipt is claimed, from the wallet to the wallet.
    expect(await network.chain.channels.earned(wallet)).toBeGreaterThan(0n);
    const state = shopSchema.parse(await callControl(home, "state"));
    expect(state.x402).toEqual([{ scheme: "exact", payments: 1, amount: await spent() }]);
    const withKey = await fetch(shop, { ...request(), headers: { authorization: "Bearer sk-depinfer-none" } });
    expect(withKey.status).toBe(401);
  } finally {
    await stopShop(child);
  }
}, 120_000);

async function startShop(home: string): Promise<{ child: ChildProcess; url: string }> {
  const paths = homePaths(network.home);
  const program = join(import.meta.dirname, "../../apps/cli/bin/depinfer.js");
  const args = ["node", "--home", home, "--network", paths.network, "--passphrase-file", paths.passphrase];
  const child = spawn(process.execPath, [program, ...args, "--slots", "1", "--x402-port", "0"], {
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own: the program runs as a child of a launcher.
    detached: true,
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      printed += chunk.toString();
    });
  }
  const shown = () => /"x402":"(http:[^"]+)"/.exec(printed)?.[1];
  await waitFor(
    () => shown() !== undefined,
    60_000,
    () => `the shop did not open:\n${printed}`,
    child,
  );
  return { child, url: shown() ?? "" };
}

function stopShop(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once("close", () => resolve());
    if (child.pid !== undefined) {
      process.kill(-child.pid, "SIGINT");
    }
  });
}
