import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AUDIT_CONTRACTS, auditEvents, recoverAddress } from "@depinfer/chain";
import { createLlamaEngine, type ScoringEngine } from "@depinfer/inference";
import { type Journal, openJournal } from "@depinfer/journal";
import { createAdversary } from "@depinfer/node";
import { calibrationFor } from "@depinfer/proof";
import { type AuditEvent, type AuditFlag, decodeRequest, type Hex, utf8 } from "@depinfer/protocol";
import {
  type CanaryModules,
  createCanaries,
  observe,
  type SeenRequest,
  VALIDATOR_MIGRATIONS,
} from "@depinfer/validator";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { embeddedModels } from "../../apps/cli/src/home.ts";
import { receiptFileSchema } from "../../apps/cli/src/verification.ts";
import { askFor, type Market, startMarket, type TestBuyer, type TestProvider, until } from "./market.ts";

/* Canaries on a market of real parts: they are bought as everybody buys, and judge what they got. */

const home = mkdtempSync(join(tmpdir(), "depinfer-canary-"));
let market: Market;
let engine: ScoringEngine;
let honest: TestProvider;
let cheat: TestProvider;
let stranger: TestBuyer;
const journals: Journal[] = [];

beforeAll(async () => {
  engine = await createLlamaEngine({ modelPath: embeddedModels.tiny, slots: 2 });
  market = await startMarket();
  honest = await market.provider({}, engine);
  cheat = await market.provider({}, createAdversary("temperature", engine));
  stranger = await market.buyer();
  await market.meet(stranger.host, honest.host);
  await market.meet(stranger.host, cheat.host);
}, 60_000);
afterAll(async () => {
  for (const journal of journals) {
    journal.close();
  }
  await market.stop();
  await engine.dispose();
  rmSync(home, { recursive: true, force: true });
}, 30_000);

const bodyOf = (content: string, limit: number) =>
  JSON.stringify({
    model: engine.description.model,
    messages: [{ role: "user", content }],
    temperature: 1,
    max_tokens: limit,
  });

function seenRequests(flag: AuditFlag): SeenRequest[] {
  return Array.from({ length: 12 }, (_, at) => ({
    buyer: "somebody",
    at,
    endpoint: "chat",
    audit: at === 0 ? "public" : flag,
    body: at === 0 ? bodyOf("Tell me a short story about a brave dragon.", 160) : null,
  }));
}

/** Canaries of identities that are ordinary buyers of the market. */
function start(name: string, seen: readonly SeenRequest[], budget: bigint, changes: Partial<CanaryModules> = {}) {
  const journal = openJournal({ path: join(home, `${name}.sqlite`), parts: { validator: VALIDATOR_MIGRATIONS } });
  journals.push(journal);
  const identities: TestBuyer[] = [];
  const failures: string[] = [];
  const log: string[] = [];
  const canaries = createCanaries(
    {
      engine,
      calibration: calibrationFor(engine.description.classId),
      recoverAddress,
      journal,
      async openIdentity() {
        const identity = await market.buyer();
        identities.push(identity);
        await market.meet(identity.host, honest.host);
        await market.meet(identity.host, cheat.host);
        return { buyer: identity.buyer, close: async () => undefined };
      },
      observe: async () => seen,
      receiptKeyOf: async (provider) => (await market.chain.registry.byOperator(provider))?.receiptKey,
      log: (_level, message) => log.push(message),
      random: Math.random,
      onFailure: (file) => failures.push(file),
      ...changes,
    },
    {
      // So many that the first begins at once; the budget stops the others.
      perHour: 1e9,
      budget,
      fundsEach: 10n,
      binding: { chainId: market.chain.deployment.chainId, verifyingContract: market.chain.receipts.address },
    },
  );
  canaries.start();
  return { canaries, identities, failures, log };
}

describe("canaries", () => {
  test("find the cheat by answers that nobody may see, and accuse nobody else", async () => {
    let found = 0;
    // Twelve short answers, of which the cheat gives about half, do not always show that something is wrong.
    for (let campaign = 1; campaign <= 3 && found === 0; campaign++) {
      const { canaries, identities, failures } = start(`finder-${campaign}`, seenRequests("none"), 19n);
      const judged = () => Object.values(canaries.state().verdicts).reduce((sum, count) => sum + count, 0);
      await until("every answer is judged", () => judged() === 12, 60_000);
      await canaries.stop();
      // One identity: the second would have passed the budget.
      expect(identities).toHaveLength(1);
      const { fail = 0, inconclusive = 0 } = canaries.state().verdicts;
      found = fail + inconclusive;
      expect(canaries.state().failures).toEqual(failures);
      for (const failure of failures) {
        const file = receiptFileSchema.parse(JSON.parse(failure));
        expect(file.provider).toBe(cheat.account);
      }
      const flags = identities[0]?.buyer.requests(100).map(({ request }) => decodeRequest(request).terms.audit);
      expect(flags?.filter((flag) => flag === "none")).toHaveLength(11);
    }
    expect(found).toBeGreaterThan(0);
  }, 90_000);

  test("look to a provider like the requests of any buyer", async () => {
    const { canaries, identities } = start("lookalike", seenRequests("validator").slice(0, 3), 10n);
    await until("all are asked", () => (identities[0]?.buyer.requests(10).length ?? 0) === 3, 30_000);
    await until("and judged", () => Object.keys(canaries.state().verdicts).length > 0, 30_000);
    await canaries.stop();
    const model = engine.description.model;
    const body = utf8(bodyOf("Tell me a short story about a brave dragon.", 160));
    await stranger.buyer.ask(askFor("", 160, { policy: { model }, body }), { onText: () => undefined });
    const [own] = identities[0]?.buyer.requests(1) ?? [];
    const [theirs] = stranger.buyer.requests(1);
    const shape = async (request: Uint8Array | undefined, channelId: Hex | undefined) => {
      const { terms, body: sent } = decodeRequest(request ?? new Uint8Array());
      const { deposit } = await market.chain.channels.state(channelId ?? "0x");
      return {
        members: Object.keys(terms),
        body: Object.keys(JSON.parse(Buffer.from(sent).toString())),
        limit: terms.maxOutputTokens,
        deposit,
      };
    };
    expect(await shape(own?.request, own?.channelId)).toEqual(await shape(theirs?.request, theirs?.channelId));
    const text = (request?: Uint8Array) => Buffer.from(decodeRequest(request ?? new Uint8Array()).body).toString();
    expect(text(own?.request)).not.toBe(text(theirs?.request));
  }, 90_000);

  test("say nothing about providers that do not answer, and go on", async () => {
    let opened = 0;
    const { canaries, log } = start("silent", seenRequests("validator"), 20n, {
      async openIdentity() {
        opened += 1;
        throw new Error("no wallet today");
      },
    });
    await until("both identities were tried", () => opened === 2 && log.some((line) => line.includes("used up")));
    await canaries.stop();
    expect(canaries.state()).toEqual({ verdicts: {}, failures: [] });
    expect(log.filter((line) => line.includes("no wallet today"))).toHaveLength(2);
  });
});

test("an observer learns of buyers what is public, and no more", async () => {
  const buyer = await market.buyer();
  await market.meet(buyer.host, honest.host);
  const model = engine.description.model;
  for (const audit of ["public", "validator", "none"] as const) {
    const ask = askFor("", 8, {
      audit,
      policy: { model, providers: [honest.account] },
      body: utf8(bodyOf(`A secret for ${audit}`, 8)),
    });
    await buyer.buyer.ask(ask, { onText: () => undefined });
  }
  await honest.node.settle();
  const events: AuditEvent[] = [];
  const head = await market.chain.blockNumber();
  const done = new AbortController();
  await market.chain.follow({
    fromBlock: 0n,
    signal: done.signal,
    contracts: AUDIT_CONTRACTS,
    onLogs(batch) {
      events.push(...auditEvents(batch.events));
      if (batch.toBlock >= head) {
        done.abort();
      }
    },
  });
  const host = await market.peer();
  await market.meet(host, honest.host);
  const { signal } = new AbortController();
  const modules = { host, chain: market.chain, auditEvents: () => events, signal };
  const seen = await observe(modules, engine.description.classId);
  const own = seen.filter((request) => request.buyer === buyer.account);
  expect(own.map(({ audit }) => audit)).toEqual(["public", "validator", "none"]);
  expect(own.map(({ body }) => body)).toEqual([bodyOf("A secret for public", 8), null, null]);
  expect(await observe(modules, `0x${"00".repeat(32)}`)).toEqual([]);
}, 60_000);
