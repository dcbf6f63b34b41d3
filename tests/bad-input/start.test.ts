import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createChain, createSigner } from "@depinfer/chain";
import { BUYER_MIGRATIONS } from "@depinfer/client";
import { openEmbedded } from "@depinfer/indexer";
import { createLlamaEngine } from "@depinfer/inference";
import { openJournal } from "@depinfer/journal";
import { createHost } from "@depinfer/network";
import { PROVIDER_MIGRATIONS } from "@depinfer/node";
import { DepinferError } from "@depinfer/protocol";
import { VALIDATOR_MIGRATIONS } from "@depinfer/validator";
import { afterAll, describe, expect, test } from "vitest";

/* What a service finds at its start and cannot use: one typed error each, and nothing on disk is touched. */

const home = mkdtempSync(join(tmpdir(), "depinfer-start-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const address = `0x${"0a".repeat(20)}` as const;
const deployment = {
  chainId: 31_337,
  rpcUrl: "http://127.0.0.1:1",
  block: 0,
  addresses: {
    testUsd: address,
    channels: address,
    providerRegistry: address,
    stakeVault: address,
    receiptLog: address,
    validatorSet: address,
    disputes: address,
    refundInsurance: address,
    feeSplitter: address,
    passes: address,
  },
};

async function failure(work: () => unknown): Promise<DepinferError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof DepinferError) {
      return error;
    }
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("at its start a service says in one typed error that", () => {
  test.each([
    ["buyer", BUYER_MIGRATIONS],
    ["provider", PROVIDER_MIGRATIONS],
    ["validator", VALIDATOR_MIGRATIONS],
  ])("the journal of a %s is damaged, and leaves it as it is", async (name, migrations) => {
    const path = join(home, `${name}.sqlite`);
    const bytes = Buffer.from("this is no database, but it may hold somebody's money".repeat(100));
    writeFileSync(path, bytes);
    const error = await failure(() => openJournal({ path, parts: { [name]: migrations } }));
    expect(error).toMatchObject({ code: "journal.corrupt", metadata: { path } });
    expect(error.remedy).toContain("Move the file away");
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });

  test("the journal is in use", async () => {
    const path = join(home, "used.sqlite");
    const journal = openJournal({ path, parts: { buyer: BUYER_MIGRATIONS } });
    expect((await failure(() => openJournal({ path, parts: { buyer: BUYER_MIGRATIONS } }))).code).toBe(
      "journal.locked",
    );
    journal.close();
  });

  test("the index is in use by another process", async () => {
    const folder = join(home, "index");
    mkdirSync(folder);
    writeFileSync(join(folder, "index.lock"), String(process.ppid));
    expect(await failure(() => openEmbedded(folder))).toMatchObject({
      code: "index.locked",
      metadata: { pid: process.ppid },
    });
  });

  test("the model file is missing, or is none", async () => {
    const modelPath = join(home, "model.gguf");
    expect((await failure(() => createLlamaEngine({ modelPath }))).code).toBe("model.missing");
    writeFileSync(modelPath, "GGUF and then nothing that makes sense");
    expect((await failure(() => createLlamaEngine({ modelPath }))).code).toBe("model.corrupt");
  });

  test("the chain cannot be reached", async () => {
    const chain = createChain({
      rpcUrl: deployment.rpcUrl,
      deployment,
      account: createSigner(`0x${"01".repeat(32)}`),
    });
    const error = await failure(() => chain.check());
    expect(error).toMatchObject({ code: "chain.unreachable", retryable: true });
    expect(error.remedy).toContain("--rpc-url");
  });

  test("the port for peers is taken", async () => {
    const blocker = createServer();
    const port = await new Promise<number>((resolve) => {
      blocker.listen(0, "127.0.0.1", () => {
        const bound = blocker.address();
        resolve(bound !== null && typeof bound === "object" ? bound.port : 0);
      });
    });
    const host = createHost(
      {},
      { seed: new Uint8Array(32).fill(3), role: "test", discovery: false, listen: [`/ip4/127.0.0.1/tcp/${port}`] },
    );
    try {
      expect((await failure(() => host.start())).code).toMatch(/^network\./);
    } finally {
      await host.stop();
      blocker.close();
    }
  });
});
