import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { Hex } from "@depinfer/protocol";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
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

  it("says what an account without gas should do", async () => {
    const poor = createSigner(`0x${"0b".repeat(32)}`);
    const chain = createChain({ rpcUrl: anvil.rpcUrl, deployment, account: poor });
    await expect(chain.usd.approve(nowhere, 1n)).rejects.toMatchObject({
      code: "chain.rpc",
      remedy: "Check the account's gas balance and the endpoint's limits",
    });
  });
});
