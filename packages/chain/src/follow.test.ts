import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Hex } from "@depinfer/protocol";
import { errorCode } from "@depinfer/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Anvil, startAnvil } from "./anvil.ts";
import { createChain } from "./chain.ts";
import { deployContracts } from "./deploy.ts";
import type { Deployment } from "./deployment.ts";
import type { ChainEvent, EventBatch } from "./follow.ts";
import { createSigner } from "./signer.ts";

describe("following events", () => {
  let home: string;
  let anvil: Anvil;
  let deployment: Deployment;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), "depinfer-follow-"));
    anvil = await startAnvil({ home, blockTimeSeconds: 1 });
    deployment = await deployContracts({ rpcUrl: anvil.rpcUrl, account: createSigner(anvil.key(0)) });
    await account(1).usd.mint(createSigner(anvil.key(1)).address, 1_000n);
    await account(1).usd.approve(deployment.addresses.channels, 1_000n);
  });

  afterAll(async () => {
    await anvil?.stop();
    await rm(home, { recursive: true, force: true });
  });

  function account(index: number) {
    return createChain({ rpcUrl: anvil.rpcUrl, deployment, account: createSigner(anvil.key(index)) });
  }

  /** A reader as they are meant to be: each batch replaces what was known of its blocks and later ones. */
  function reader() {
    let known: ChainEvent[] = [];
    const batches: EventBatch[] = [];
    return {
      batches,
      events: () => known,
      amounts: () => known.flatMap((event) => (event.eventName === "Deposited" ? [event.args.amount] : [])),
      onLogs(batch: EventBatch) {
        batches.push(batch);
        known = [...known.filter(({ blockNumber }) => blockNumber < batch.fromBlock), ...batch.events];
      },
    };
  }

  it("delivers decoded events with their place, each block once and in order", async () => {
    const seen = reader();
    const stop = new AbortController();
    const chain = account(1);
    const { hash, blockNumber } = await chain.channels.deposit(11n);
    const following = chain.follow({
      fromBlock: BigInt(deployment.block),
      onLogs: seen.onLogs,
      signal: stop.signal,
      pollMs: 50,
    });
    await chain.channels.deposit(12n);
    await expect.poll(seen.amounts, { timeout: 5_000 }).toEqual([11n, 12n]);
    stop.abort();
    await following;

    const payer = createSigner(anvil.key(1)).address;
    expect(seen.events()[0]).toMatchObject({
      contract: "channels",
      eventName: "Deposited",
      args: { payer, from: payer, amount: 11n },
      blockNumber,
      transactionHash: hash,
    });
    expect(seen.batches[0]?.fromBlock).toBe(BigInt(deployment.block));
    for (const [i, batch] of seen.batches.slice(1).entries()) {
      expect(batch.fromBlock, `batch ${i + 1}`).toBe((seen.batches[i]?.toBlock ?? 0n) + 1n);
      expect(batch.rewound).toBe(false);
    }
  });

  it("forgets what a killed chain forgot, and reads what took its place", async () => {
    const { port } = anvil;
    await anvil.stop();
    anvil = await startAnvil({ home, port, blockTimeSeconds: 1, stateIntervalSeconds: 3_600 });
    const seen = reader();
    const errors: unknown[] = [];
    const stop = new AbortController();
    const following = account(1).follow({
      fromBlock: BigInt(deployment.block),
      onLogs: seen.onLogs,
      onError: (error) => errors.push(error),
      signal: stop.signal,
      pollMs: 50,
    });
    await account(1).channels.deposit(13n);
    await expect.poll(seen.amounts, { timeout: 5_000 }).toEqual([11n, 12n, 13n]);

    process.kill(anvil.pid, "SIGKILL");
    await anvil.exited;
    await expect.poll(() => errors.length, { timeout: 5_000 }).toBeGreaterThan(0);
    expect(errorCode(errors[0])).toBe("chain.unreachable");
    anvil = await startAnvil({ home, port, blockTimeSeconds: 1 });
    await account(1).channels.deposit(14n);
    await expect.poll(seen.amounts, { timeout: 10_000 }).toEqual([11n, 12n, 14n]);
    expect(seen.batches.filter(({ rewound }) => rewound)).toHaveLength(1);
    stop.abort();
    await following;
  });

  it("ends with the error of the reader, and at once when it is aborted", async () => {
    const failing = account(1).follow({
      fromBlock: 0n,
      onLogs: () => Promise.reject(new Error("the reader's disk is full")),
      signal: AbortSignal.timeout(5_000),
    });
    await expect(failing).rejects.toThrow("the reader's disk is full");
    await account(1).follow({ fromBlock: 0n, onLogs: () => {}, signal: AbortSignal.abort() });
  });

  it("reads the token's transfers on request only", async () => {
    const transfers: Hex[] = [];
    const stop = new AbortController();
    await account(1).follow({
      fromBlock: BigInt(deployment.block),
      contracts: ["testUsd"],
      signal: stop.signal,
      onLogs({ events }) {
        transfers.push(...events.flatMap((event) => (event.eventName === "Transfer" ? [event.args.to] : [])));
        stop.abort();
      },
    });
    expect(transfers).toContain(deployment.addresses.channels);
  });
});
