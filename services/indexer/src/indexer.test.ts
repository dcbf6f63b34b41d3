import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { get as httpGet } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Anvil, type Chain, createChain, createSigner, deployContracts, startAnvil } from "@depinfer/chain";
import { createHost, type Host } from "@depinfer/network";
import {
  type ChannelConfig,
  encodeMessage,
  FrameType,
  fromHex,
  type Hex,
  MAX_OFFER_LIFETIME_MS,
  merkleRoot,
  merkleVerify,
  microUsd,
  type Offer,
  receiptDigest,
  receiptToJson,
  type SignedReceipt,
  toHex,
  utf8,
  voucherDigest,
} from "@depinfer/protocol";
import { indexerApi } from "@depinfer/protocol/api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { serverPrograms, startServer, type TestServer } from "../../../tests/postgres-server.ts";
import { type Database, openEmbedded, openServer } from "./database.ts";
import { createIndexer, type Indexer } from "./indexer.ts";

/* One chain, one provider, and indexers over both databases that must say the same of them. */

const home = mkdtempSync(join(tmpdir(), "depinfer-indexer-"));
const programs = serverPrograms();
if (programs === null) {
  console.warn("PostgreSQL is not compared: no server programs in /usr/lib/postgresql; apt-get install postgresql");
}

let anvil: Anvil;
let provider: Chain;
let buyer: Chain;
let host: Host;
let providerHost: Host;
let server: TestServer | null = null;
let config: ChannelConfig;
const receipts: SignedReceipt[] = [];
const receiptSigner = createSigner(toHex(randomBytes(32)));
const stopping: Indexer[] = [];

const self = (chain: Chain): Hex => chain.account ?? "0x";

beforeAll(async () => {
  anvil = await startAnvil({ home: join(home, "chain"), blockTimeSeconds: 1 });
  const { rpcUrl } = anvil;
  const deployment = await deployContracts({ rpcUrl, account: createSigner(anvil.key(0)) }, { minWithdrawDelay: 1 });
  const as = (index: number) => createChain({ rpcUrl, deployment, account: createSigner(anvil.key(index)) });
  [provider, buyer] = [as(1), as(2)];
  providerHost = createHost({}, { seed: randomBytes(32), role: "provider", discovery: false });
  host = createHost({}, { seed: randomBytes(32), role: "indexer", discovery: false });
  await Promise.all([providerHost.start(), host.start()]);
  providerHost.serve((exchange) => {
    exchange.onFrame(() => undefined);
    exchange.send(
      FrameType.RESULT,
      encodeMessage({ provider: self(provider), epoch: 1, receipts: receipts.map(receiptToJson) }),
    );
    exchange.end();
  });
  await happen();
  await host.dial(providerHost.addresses);
  await providerHost.announce(offerOf());
  server = programs === null ? null : await startServer(programs);
}, 60_000);
afterAll(async () => {
  await Promise.all(stopping.splice(0).map((indexer) => indexer.stop()));
  await server?.stop();
  await Promise.all([providerHost.stop(), host.stop()]);
  await anvil.stop();
  rmSync(home, { recursive: true, force: true });
}, 30_000);

function offerOf(): Offer {
  const issuedAt = Date.now();
  return {
    v: 1,
    peerId: providerHost.peerId,
    addresses: [...providerHost.addresses],
    provider: self(provider),
    receiptKey: receiptSigner.address,
    model: "words",
    classId: `0x${"01".repeat(32)}`,
    proofLevel: "seeded",
    prices: { inputPerMillion: microUsd(1), cachedInputPerMillion: microUsd(1), outputPerMillion: microUsd(1) },
    contextLength: 100,
    slots: 1,
    idleSlots: 1,
    region: "test",
    sequence: issuedAt,
    issuedAt,
    expiresAt: issuedAt + MAX_OFFER_LIFETIME_MS,
  };
}

/** A life of a provider: registered, bonded, paid, its receipts under a root. */
async function happen(): Promise<void> {
  const { addresses, chainId } = provider.deployment;
  for (const chain of [provider, buyer]) {
    await chain.usd.mint(self(chain), 1_000_000_000n);
    await chain.usd.approve(addresses.channels, 1_000_000_000n);
    await chain.usd.approve(addresses.stakeVault, 1_000_000_000n);
  }
  await provider.registry.register({
    role: "provider",
    receiptKey: receiptSigner.address,
    peerId: toHex(utf8(providerHost.peerId)),
  });
  await provider.stake.bond({ slots: 2, amount: 20_000_000n });
  config = {
    payer: self(buyer),
    payerAuthorizer: self(buyer),
    receiver: self(provider),
    receiverAuthorizer: self(provider),
    token: addresses.testUsd,
    withdrawDelay: 1,
    salt: `0x${"07".repeat(32)}`,
  };
  await buyer.channels.open(config, 1_000n);
  await buyer.channels.topUp(config, 500n);
  const id = buyer.channels.idOf(config);
  const digest = voucherDigest(id, 30n, { chainId, verifyingContract: addresses.channels });
  const signature = createSigner(anvil.key(2)).sign(digest);
  await provider.channels.claim({ config, maxClaimableAmount: 30n, signature });
  receipts.push(receiptOf(1, 10n), receiptOf(2, 20n));
  const binding = { chainId, verifyingContract: addresses.receiptLog };
  const root = toHex(merkleRoot(receipts.map(({ receipt }) => receiptDigest(receipt, binding))));
  await provider.receipts.postRoot({ epoch: 1, root, count: 2, totalCost: 30n });
}

function receiptOf(number: number, cost: bigint): SignedReceipt {
  const word: Hex = `0x${number.toString(16).padStart(64, "0")}`;
  const receipt = {
    requestId: word,
    requestHash: word,
    classId: word,
    promptHash: word,
    transcriptRoot: word,
    textHash: word,
    seedCommitment: word,
    channelId: buyer.channels.idOf(config),
    provider: self(provider),
    promptTokens: 1,
    cachedTokens: 0,
    outputTokens: Number(cost) - 1,
    stopReason: "end" as const,
    proofLevel: "seeded" as const,
    cost: microUsd(cost),
    startedAt: 1_000,
    finishedAt: 2_000 + number,
  };
  const binding = { chainId: provider.deployment.chainId, verifyingContract: provider.receipts.address };
  return { receipt, signature: receiptSigner.sign(receiptDigest(receipt, binding)) };
}

async function start(db: Database): Promise<Indexer> {
  const indexer = createIndexer({ chain: provider, host, db, log: () => undefined }, { host: "127.0.0.1", port: 0 });
  stopping.push(indexer);
  await indexer.start();
  return indexer;
}

async function stop(indexer: Indexer): Promise<void> {
  stopping.splice(stopping.indexOf(indexer), 1);
  await indexer.stop();
}

function get(indexer: Indexer, path: string): Promise<{ status: number; body: unknown }> {
  return new Promise((resolve, reject) => {
    httpGet({ host: "127.0.0.1", port: indexer.port, path, agent: false }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) }));
    }).on("error", reject);
  });
}

const EVERYTHING = ["/providers", "/offers", "/receipts", "/audits", "/channels", "/epochs"];

/** Every table as the API shows it, once both receipts are in. */
async function everything(indexer: Indexer): Promise<unknown> {
  await expect
    .poll(async () => JSON.stringify((await get(indexer, "/status")).body), { timeout: 20_000, interval: 50 })
    .toMatch(/"receipts":2/);
  const word = `0x${"1".padStart(64, "0")}`;
  const paths = [...EVERYTHING, `/receipts/${word}`, `/channels/${buyer.channels.idOf(config)}`];
  const answers = await Promise.all(paths.map((path) => get(indexer, path)));
  // When each of them first heard an offer is its own.
  return JSON.parse(JSON.stringify(answers, (key, value: unknown) => (OWN.includes(key) ? undefined : value)));
}

const OWN = ["firstSeen", "at", "uptime"];

/** The answer of an endpoint, held to its schema. */
async function read<Name extends keyof typeof indexerApi>(indexer: Indexer, name: Name, path: string) {
  const { status, body } = await get(indexer, path);
  expect(status, path).toBe(200);
  const parsed = indexerApi[name].answer.safeParse(body);
  expect(parsed.error, `${path}: ${JSON.stringify(body).slice(0, 400)}`).toBeUndefined();
  return body;
}

describe("an index", () => {
  test("says what happened on chain, with receipts from their provider", async () => {
    const indexer = await start(await openEmbedded(join(home, "first")));
    await everything(indexer);
    expect((await get(indexer, "/channels")).body).toMatchObject({
      data: [{ payer: self(buyer), receiver: self(provider), closed: false }],
    });
    const text = JSON.stringify((await get(indexer, "/channels")).body);
    expect(text).toMatch(/"deposit":"?1500"?,"settled":"?30"?/);
    expect(JSON.stringify((await get(indexer, "/epochs")).body)).toMatch(/"count":2,"cost":"?30"?/);
    await stop(indexer);
  });

  test.skipIf(programs === null)(
    "is the same in PostgreSQL, over a restart, and rebuilt from nothing",
    async () => {
      const embedded = await start(await openEmbedded(join(home, "one")));
      const postgres = await start(await openServer(server?.url ?? ""));
      const [expected, found] = [await everything(embedded), await everything(postgres)];
      expect(found).toEqual(expected);
      const account = self(provider);
      for (const path of ["hour", "day", "model"].map(
        (by) => `/providers/${account}/statement?by=${by}&since=0&until=9000`,
      )) {
        const { body } = await get(embedded, path);
        expect(await get(postgres, path)).toEqual({ status: 200, body });
        expect(JSON.stringify(body)).toContain('"paid":"30"');
      }
      for (const indexer of [embedded, postgres]) {
        await expect
          .poll(async () => JSON.stringify(await get(indexer, "/market-conditions")), { timeout: 20_000, interval: 50 })
          .toContain('"providers":1,"slots":1,"inputPrice":"1","outputPrice":"1","utilisation":0');
      }
      await stop(postgres);
      const again = await start(await openServer(server?.url ?? ""));
      expect(await everything(again)).toEqual(expected);
      await stop(embedded);
      rmSync(join(home, "one"), { recursive: true, force: true });
      const rebuilt = await start(await openEmbedded(join(home, "one")));
      expect(await everything(rebuilt)).toEqual(expected);
      await stop(rebuilt);
      await stop(again);
    },
    60_000,
  );

  test("drops what a reorganisation took away, and takes what came instead", async () => {
    const indexer = await start(await openEmbedded(join(home, "reorganised")));
    const before = await everything(indexer);
    const snapshot = await rpc("evm_snapshot");
    const gone = { ...config, salt: `0x${"08".repeat(32)}` as const };
    await buyer.channels.open(gone, 77n);
    const path = `/channels/${buyer.channels.idOf(gone)}`;
    await expect.poll(async () => (await get(indexer, path)).status, { timeout: 10_000 }).toBe(200);
    await rpc("evm_revert", snapshot);
    const instead = { ...config, salt: `0x${"09".repeat(32)}` as const };
    await buyer.channels.open(instead, 78n);
    await expect
      .poll(async () => (await get(indexer, `/channels/${buyer.channels.idOf(instead)}`)).status, { timeout: 10_000 })
      .toBe(200);
    expect((await get(indexer, path)).status).toBe(404);
    expect((await get(indexer, "/channels")).body).toMatchObject({ data: { length: 2 } });
    expect(before).toBeDefined();
    await stop(indexer);
  });
});

describe("a query", () => {
  let indexer: Indexer;
  beforeAll(async () => {
    indexer = await start(await openEmbedded(join(home, "queries")));
  });

  test.each([
    "/receipts?limit=0",
    "/receipts?limit=1001",
    "/receipts?limit=-1",
    "/receipts?limit=ten",
    "/receipts?limit=1.5",
    "/receipts?before=yesterday",
    "/receipts?before=99999999999999999999",
    "/channels?limit=%27%3B+DROP+TABLE+events",
  ])("with a bad parameter is 400 and says what to give: %s", async (path) => {
    expect(await get(indexer, path)).toMatchObject({
      status: 400,
      body: { error: { code: "index.badQuery", message: expect.stringContaining("whole number") } },
    });
  });

  test.each(["/nothing", "/receipts/0x12", `/receipts/0x${"ff".repeat(32)}`, "//", "/channels/'"])(
    "for what is not there is 404: %s",
    async (path) => {
      expect(await get(indexer, path)).toMatchObject({ status: 404 });
    },
  );

  test("with SQL in a filter finds nothing and harms nothing", async () => {
    const attack = encodeURIComponent("' OR 1=1; DROP TABLE events; --");
    for (const path of [
      `/receipts?provider=${attack}`,
      `/receipts?after=${attack}`,
      `/providers?after=${attack}`,
      `/series?bucket=60&metric=${attack}`,
    ]) {
      expect(await get(indexer, path)).toMatchObject({ status: 400, body: { error: { code: "index.badQuery" } } });
    }
    for (const path of [`/offers?model=${attack}`, `/search?q=${attack}`]) {
      expect(await get(indexer, path)).toMatchObject({ status: 200, body: { data: [] } });
    }
    expect((await get(indexer, `/providers/${attack}`)).status).toBe(404);
    await everything(indexer);
  });

  test("a second indexer on its port is refused with a typed error", async () => {
    const db: Database = {
      kind: "pglite",
      query: async () => [],
      transaction: async () => undefined,
      close: async () => undefined,
    };
    const second = createIndexer(
      { chain: provider, host, db, log: () => undefined },
      { host: "127.0.0.1", port: indexer.port },
    );
    await expect(second.start()).rejects.toMatchObject({ code: "index.portBusy" });
    expect((await get(indexer, "/healthz")).status).toBe(200);
  });
});

describe("every endpoint", () => {
  let indexer: Indexer;
  beforeAll(async () => {
    indexer = await start(await openEmbedded(join(home, "endpoints")));
  });

  test("answers in the form that its schema tells", async () => {
    await everything(indexer);
    const channel = buyer.channels.idOf(config);
    const [receipt] = receipts;
    const binding = { chainId: provider.deployment.chainId, verifyingContract: provider.receipts.address };
    const id = receipt === undefined ? "" : toHex(receiptDigest(receipt.receipt, binding));
    const account = self(provider);
    const epochs = z.object({ data: z.array(z.object({ tx: z.string(), block: z.number() })) });
    const posted = epochs.parse(await read(indexer, "epochs", "/epochs")).data[0];
    const series = "bucket=3600";
    const answered = await Promise.all([
      read(indexer, "version", "/version"),
      read(indexer, "overview", "/overview"),
      ...["requests", "outputTokens", "settled", "audits", "failedAudits"].map((metric) =>
        read(indexer, "series", `/series?metric=${metric}&${series}&provider=${account}`),
      ),
      read(indexer, "providers", "/providers?sort=reputation&order=desc"),
      read(indexer, "provider", `/providers/${account}`),
      read(indexer, "earnings", `/providers/${account}/earnings?${series}`),
      read(indexer, "presence", `/providers/${account}/presence`),
      read(indexer, "evidence", `/providers/${account}/evidence`),
      read(indexer, "validators", "/validators"),
      read(indexer, "offers", "/offers?region=test&proofLevel=seeded&maxOutputPrice=1"),
      read(indexer, "models", "/models"),
      read(indexer, "model", "/models/words"),
      read(indexer, "prices", `/prices?model=words&${series}`),
      read(indexer, "receipts", "/receipts?limit=1"),
      read(indexer, "receipt", `/receipts/${id}`),
      read(indexer, "audits", "/audits"),
      read(indexer, "disputes", "/disputes?open=true"),
      read(indexer, "channels", `/channels?payer=${self(buyer)}&open=true`),
      read(indexer, "channel", `/channels/${channel}`),
      read(indexer, "epoch", `/epochs/${account}/1`),
      read(indexer, "tx", `/tx/${posted?.tx}`),
      read(indexer, "block", `/blocks/${posted?.block}`),
      read(indexer, "tiers", "/tiers"),
      read(indexer, "passes", "/passes"),
      read(indexer, "account", `/accounts/${account}`),
      read(indexer, "marketConditions", "/market-conditions?model=words&since=0"),
      ...["hour", "day", "model"].map((by) => read(indexer, "statement", `/providers/${account}/statement?by=${by}`)),
      read(indexer, "basePrices", "/base-prices?model=words"),
    ]);
    expect(answered[1]).toMatchObject({
      total: { requests: 2, outputTokens: 28, settled: "30" },
      providers: { registered: 1, online: 1 },
      staked: "20000000",
    });
    expect(JSON.stringify(answered[4])).toContain('"value":30');
  });

  test("of money says what was paid, in units, and asks for what it cannot read", async () => {
    await everything(indexer);
    const account = self(provider);
    const paid = receipts.reduce((sum, { receipt }) => sum + receipt.cost, 0n).toString();
    const outputTokens = receipts.reduce((sum, { receipt }) => sum + receipt.outputTokens, 0);
    const since = Math.min(...receipts.map(({ receipt }) => receipt.finishedAt));
    // Of a class that nobody offers under a name.
    expect(await get(indexer, `/providers/${account}/statement?by=model&since=${since}`)).toMatchObject({
      status: 200,
      body: { provider: account, slots: 2, data: [{ key: "unknown", requests: receipts.length, paid, outputTokens }] },
    });
    expect(await get(indexer, `/market-conditions?since=${since}`)).toMatchObject({
      body: {
        data: [{ model: "words", requests: 0, promptPerOutput: null, providers: 1, slots: 1, outputPrice: "1" }],
      },
    });
    for (const path of [
      `/providers/${account}/statement?by=minute`,
      `/providers/${account}/statement?since=5&until=5`,
      `/providers/${account}/statement?since=1&by=hour`,
      `/providers/${account}/statement?since=-1`,
      "/market-conditions?since=99999999999999",
      "/market-conditions?since=yesterday",
      `/base-prices?model=${"m".repeat(257)}`,
    ]) {
      expect([path, await get(indexer, path)]).toMatchObject([
        path,
        { status: 400, body: { error: { code: "index.badQuery", remedy: expect.stringMatching(/./) } } },
      ]);
    }
    expect(await get(indexer, "/providers/nobody/statement")).toMatchObject({ status: 200, body: { data: [] } });
  });

  test("of receipts gives the opening that leads to the root on chain", async () => {
    for (const { receipt } of receipts) {
      const found = indexerApi.receipt.answer.parse(await read(indexer, "receipt", `/receipts/${receipt.requestId}`));
      const siblings = found.merkle.siblings.map((sibling) => fromHex(sibling, 32));
      expect(merkleVerify(fromHex(found.id, 32), siblings, fromHex(found.root, 32))).toBe(true);
      expect(found.receiptKey).toBe(receiptSigner.address);
    }
  });

  test("that is a list goes on where the page before ended, and misses nothing", async () => {
    const first = indexerApi.receipts.answer.parse(await read(indexer, "receipts", "/receipts?limit=1"));
    const second = indexerApi.receipts.answer.parse(
      await read(indexer, "receipts", `/receipts?limit=1&after=${first.next}`),
    );
    expect([...first.data, ...second.data].map(({ receipt }) => receipt.receipt.requestId)).toEqual(
      receipts.map(({ receipt }) => receipt.requestId).toReversed(),
    );
    expect(second.next).toBeNull();
  });

  test("that searches finds things by the beginning of their ids, by number and by name", async () => {
    const hits = async (q: string) =>
      indexerApi.search.answer.parse(await read(indexer, "search", `/search?q=${q}`)).data.map(({ kind }) => kind);
    expect(await hits(self(provider).slice(0, 12))).toContain("provider");
    expect(await hits(buyer.channels.idOf(config))).toEqual(["channel"]);
    expect(await hits(`0x${"2".padStart(64, "0")}`)).toContain("request");
    expect(await hits("1")).toContain("block");
    expect(await hits("WOR")).toEqual(["model"]);
    expect(await hits("nothing-like-it")).toEqual([]);
  });

  test("is described in the OpenAPI document", async () => {
    const { body } = await get(indexer, "/openapi.json");
    const { paths } = z.object({ paths: z.record(z.string(), z.unknown()) }).parse(body);
    expect(Object.keys(paths)).toHaveLength(Object.keys(indexerApi).length);
  });

  test("changes nothing: other methods are refused", async () => {
    const response = await fetch(`http://127.0.0.1:${indexer.port}/receipts`, { method: "DELETE" });
    expect(response.status).toBe(405);
  });
});

describe("a database that cannot be used", () => {
  test.each(["postgresql://nobody@127.0.0.1:1/none", "postgresql://no-such-host.invalid/none", "nonsense"])(
    "%s is one typed error",
    async (url) => {
      await expect(openServer(url)).rejects.toMatchObject({
        code: "index.unreachable",
        remedy: expect.stringContaining("PostgreSQL"),
      });
    },
  );
});

async function rpc(method: string, ...params: readonly unknown[]): Promise<unknown> {
  const response = await fetch(anvil.rpcUrl, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  const answer: unknown = await response.json();
  return answer !== null && typeof answer === "object" && "result" in answer ? answer.result : undefined;
}
