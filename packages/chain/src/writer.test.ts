import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { Hex, Outbox, PendingTransaction } from "@depinfer/protocol";
import { parseTransaction } from "viem";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { type Anvil, startAnvil } from "./anvil.ts";
import { createChain } from "./chain.ts";
import { deployContracts } from "./deploy.ts";
import type { Deployment } from "./deployment.ts";
import { createSigner, type Signer } from "./signer.ts";
import type { WriterOptions } from "./writer.ts";

interface RpcRequest {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
}

type Answer = Readonly<Record<string, unknown>>;

/** Sits before the chain and may answer otherwise: `forward` asks the chain, `request` is what the client sent. */
type Fault = (request: RpcRequest, forward: () => Promise<Answer>) => Promise<Answer>;

describe("writing over a connection with faults", () => {
  let home: string;
  let anvil: Anvil;
  let deployment: Deployment;
  let owner: Signer;
  let proxy: Server | undefined;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), "depinfer-writer-"));
    anvil = await startAnvil({ home, blockTimeSeconds: 1 });
    owner = createSigner(anvil.key(1));
    deployment = await deployContracts({ rpcUrl: anvil.rpcUrl, account: createSigner(anvil.key(0)) });
    await createChain({ rpcUrl: anvil.rpcUrl, deployment, account: owner }).usd.mint(owner.address, 100n);
  });

  afterEach(() => {
    proxy?.closeAllConnections();
    proxy?.close();
  });

  afterAll(async () => {
    await anvil?.stop();
    await rm(home, { recursive: true, force: true });
  });

  async function chainThrough(fault: Fault, options: WriterOptions = {}) {
    const server = createServer(async (incoming, outgoing) => {
      const body = await text(incoming);
      const request: RpcRequest = JSON.parse(body);
      const forward = async (): Promise<Answer> => {
        const answer = await fetch(anvil.rpcUrl, {
          method: "POST",
          body,
          headers: { "content-type": "application/json" },
        });
        const parsed: unknown = await answer.json();
        return { ...(typeof parsed === "object" ? parsed : {}) };
      };
      const answer = await fault(request, forward);
      outgoing.setHeader("content-type", "application/json").end(JSON.stringify(answer));
    });
    proxy = server;
    const port = await new Promise<number>((resolve) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
    return createChain({ rpcUrl: `http://127.0.0.1:${port}`, deployment, account: owner }, options);
  }

  const nowhere: Hex = `0x${"77".repeat(20)}`;

  it("reads the nonce again and sends once more when another process used it", async () => {
    let asked = 0;
    const chain = await chainThrough(async (request, forward) => {
      const answer = await forward();
      if (request.method === "eth_getTransactionCount" && asked++ === 0) {
        return { ...answer, result: "0x0" };
      }
      return answer;
    });
    const before = await chain.usd.balanceOf(nowhere);
    await chain.usd.transfer(nowhere, 1n);
    expect(asked).toBe(2);
    expect(await chain.usd.balanceOf(nowhere)).toBe(before + 1n);
  });

  it("gives up on a nonce that stays wrong, with the chain's words", async () => {
    const chain = await chainThrough(async (request, forward) =>
      request.method === "eth_getTransactionCount" ? { ...(await forward()), result: "0x0" } : forward(),
    );
    await expect(chain.usd.transfer(nowhere, 1n)).rejects.toMatchObject({
      code: "chain.rpc",
      message: expect.stringMatching(/nonce/i),
    });
  });

  it("sends once, though the answer to the first attempt was lost", async () => {
    let sent = 0;
    const chain = await chainThrough(async (request, forward) => {
      const answer = await forward();
      if (request.method === "eth_sendRawTransaction" && sent++ === 0) {
        return { jsonrpc: "2.0", id: request.id, error: { code: -32_603, message: "already known" } };
      }
      return answer;
    });
    const before = await chain.usd.balanceOf(nowhere);
    await chain.usd.transfer(nowhere, 1n);
    expect(await chain.usd.balanceOf(nowhere)).toBe(before + 1n);
  });

  it("stops waiting for a transaction that is not mined, and names it", async () => {
    const chain = await chainThrough(
      async (request, forward) =>
        request.method === "eth_getTransactionReceipt" ? { jsonrpc: "2.0", id: request.id, result: null } : forward(),
      { receiptTimeoutMs: 300 },
    );
    await expect(chain.usd.transfer(nowhere, 1n)).rejects.toMatchObject({
      code: "chain.receiptTimeout",
      metadata: { hash: expect.stringMatching(/^0x[0-9a-f]{64}$/), timeoutMs: 300 },
    });
  });

  it("names the reason of a transaction that passed the estimate and was refused when mined", async () => {
    const chain = createChain({ rpcUrl: anvil.rpcUrl, deployment, account: owner });
    await chain.usd.approve(deployment.addresses.channels, 100n);
    const config = {
      payer: owner.address,
      payerAuthorizer: owner.address,
      receiver: nowhere,
      receiverAuthorizer: nowhere,
      token: deployment.addresses.testUsd,
      withdrawDelay: 900,
      salt: `0x${"01".repeat(32)}` as const,
    };
    const [first, second] = await Promise.allSettled([
      chain.channels.open(config, 1n),
      chain.channels.open(config, 1n),
    ]);
    expect([first.status, second.status].sort()).toEqual(["fulfilled", "rejected"]);
    const refused = first.status === "rejected" ? first : second;
    expect(refused).toMatchObject({ reason: { code: "chain.reverted", errorName: "ChannelExists" } });
  });

  /** An outbox that outlives the objects that write to it, as a journal does. */
  function memoryOutbox() {
    const held: PendingTransaction[] = [];
    const keep = (stays: (one: PendingTransaction) => boolean) => held.splice(0, held.length, ...held.filter(stays));
    const outbox: Outbox = {
      save: async (transaction) => void held.push(transaction),
      drop: async (hash) => void keep((one) => one.hash !== hash),
      forget: async (account, _chainId, nonce) => void keep((one) => one.account !== account || one.nonce !== nonce),
      pending: () => [...held],
    };
    return { outbox, held };
  }

  async function control(method: string, ...params: readonly unknown[]): Promise<void> {
    await fetch(anvil.rpcUrl, {
      method: "POST",
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
      headers: { "content-type": "application/json" },
    });
  }

  /** Says that it took the transaction, and drops it. */
  const swallow = (request: RpcRequest): Answer => ({
    jsonrpc: "2.0",
    id: request.id,
    result: `0x${"00".repeat(32)}`,
  });

  it("sends a transaction again that the chain took and dropped", async () => {
    let sent = 0;
    const chain = await chainThrough(
      async (request, forward) =>
        request.method === "eth_sendRawTransaction" && sent++ === 0 ? swallow(request) : forward(),
      { replaceAfterMs: 100 },
    );
    const before = await chain.usd.balanceOf(nowhere);
    await chain.usd.transfer(nowhere, 1n);
    expect(sent).toBe(2);
    expect(await chain.usd.balanceOf(nowhere)).toBe(before + 1n);
  });

  /** A chain that mines nothing until `enough` transactions were announced. */
  async function slowChain(enough: number, options: WriterOptions) {
    const sent: Hex[] = [];
    await control("evm_setIntervalMining", 0);
    const chain = await chainThrough(
      async (request, forward) => {
        const answer = await forward();
        if (request.method === "eth_sendRawTransaction") {
          sent.push(z.templateLiteral(["0x", z.string()]).parse(request.params[0]));
          if (sent.length === enough) {
            await control("evm_setIntervalMining", 1);
          }
        }
        return answer;
      },
      { replaceAfterMs: 200, ...options },
    );
    return { chain, sent };
  }

  it("replaces a transaction that waits by one that offers an eighth more, under the same nonce", async () => {
    const { chain, sent } = await slowChain(3, {});
    const before = await chain.usd.balanceOf(nowhere);
    await chain.usd.transfer(nowhere, 1n);
    const versions = sent.map((raw) => parseTransaction(z.templateLiteral(["0x02", z.string()]).parse(raw)));
    expect(versions.length).toBeGreaterThanOrEqual(3);
    expect(versions.length).toBeLessThanOrEqual(4);
    expect(new Set(versions.map(({ nonce }) => nonce)).size).toBe(1);
    for (const [index, { maxFeePerGas = 0n, maxPriorityFeePerGas = 0n }] of versions.entries()) {
      const earlier = versions[index - 1];
      expect(8n * maxFeePerGas).toBeGreaterThanOrEqual(9n * (earlier?.maxFeePerGas ?? 0n));
      expect(8n * maxPriorityFeePerGas).toBeGreaterThanOrEqual(9n * (earlier?.maxPriorityFeePerGas ?? 0n));
    }
    expect(await chain.usd.balanceOf(nowhere)).toBe(before + 1n);
  });

  it("offers no more than it may, however long it waits", async () => {
    const { chain, sent } = await slowChain(9, { mostFeePerGas: 2_000_000_000n, receiptTimeoutMs: 1_000 });
    await expect(chain.usd.transfer(nowhere, 1n)).rejects.toMatchObject({ code: "chain.receiptTimeout" });
    const offers = sent.map((raw) => parseTransaction(z.templateLiteral(["0x02", z.string()]).parse(raw)).maxFeePerGas);
    const first = offers[0] ?? 0n;
    expect(offers.filter((offer) => (offer ?? 0n) > (first > 2_000_000_000n ? first : 2_000_000_000n))).toEqual([]);
    await control("evm_mine");
    await control("evm_setIntervalMining", 1);
  });

  it("finds what it had announced before it died, and sends it once", async () => {
    const { outbox, held } = memoryOutbox();
    const dying = await chainThrough(
      async (request, forward) => (request.method === "eth_sendRawTransaction" ? swallow(request) : forward()),
      { receiptTimeoutMs: 200, outbox },
    );
    const before = await dying.usd.balanceOf(nowhere);
    await expect(dying.usd.transfer(nowhere, 2n)).rejects.toMatchObject({ code: "chain.receiptTimeout" });
    expect(held).toMatchObject([{ account: owner.address, action: expect.stringContaining("usd") }]);
    const reborn = createChain({ rpcUrl: anvil.rpcUrl, deployment, account: owner }, { outbox });
    await reborn.usd.transfer(nowhere, 3n);
    expect(await reborn.usd.balanceOf(nowhere)).toBe(before + 5n);
    expect(held).toEqual([]);
    const third = createChain({ rpcUrl: anvil.rpcUrl, deployment, account: owner }, { outbox });
    await third.usd.transfer(nowhere, 1n);
    expect(await reborn.usd.balanceOf(nowhere)).toBe(before + 6n);
  });

  it("forgets what can no longer be mined", async () => {
    const { outbox, held } = memoryOutbox();
    const nonce = 1_000_000;
    await outbox.save({ account: owner.address, chainId: 31_337, nonce, hash: "0x01", raw: "0x02", action: "old" });
    await outbox.save({ account: owner.address, chainId: 31_337, nonce: 0, hash: "0x03", raw: "0x02", action: "old" });
    const chain = createChain({ rpcUrl: anvil.rpcUrl, deployment, account: owner }, { outbox });
    await chain.usd.transfer(nowhere, 1n);
    expect(held).toEqual([]);
  });

  it("says what an account without gas should do", async () => {
    const poor = createSigner(`0x${"0b".repeat(32)}`);
    const chain = createChain({ rpcUrl: anvil.rpcUrl, deployment, account: poor });
    await expect(chain.usd.approve(nowhere, 1n)).rejects.toMatchObject({
      code: "chain.rpc",
      remedy: "Check the account's gas balance and the endpoint's limits",
    });
  });
});
