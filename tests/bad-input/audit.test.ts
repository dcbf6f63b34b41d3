import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { recoverAddress } from "@depinfer/chain";
import { createLlamaEngine, type ScoringEngine } from "@depinfer/inference";
import { type Journal, openJournal } from "@depinfer/journal";
import { type Host, query } from "@depinfer/network";
import {
  type AuditFlag,
  epochReportSchema,
  type Hex,
  merkleRoot,
  receiptDigest,
  toHex,
  transcriptSchema,
  utf8,
} from "@depinfer/protocol";
import { createValidator, VALIDATOR_MIGRATIONS, type Validator } from "@depinfer/validator";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { embeddedModels } from "../../apps/cli/src/home.ts";
import { askFor, type Market, startMarket, type TestBuyer, type TestProvider, until } from "./market.ts";

/* Who may read an answer, and what a validator says of it. A real engine: the verdicts are about real text. */

const home = mkdtempSync(join(tmpdir(), "depinfer-audit-"));
let market: Market;
let engine: ScoringEngine;
let provider: TestProvider;
let buyer: TestBuyer;

beforeAll(async () => {
  engine = await createLlamaEngine({ modelPath: embeddedModels.tiny, slots: 2 });
  market = await startMarket();
  provider = await market.provider({}, engine);
  buyer = await market.buyer();
  await market.meet(buyer.host, provider.host);
}, 60_000);
afterAll(async () => {
  await market.stop();
  await engine.dispose();
  rmSync(home, { recursive: true, force: true });
}, 30_000);

async function buy(audit: AuditFlag): Promise<Hex> {
  const { model } = engine.description;
  const body = { model, messages: [{ role: "user", content: "Tell me a story." }], max_tokens: 12, temperature: 0 };
  const ask = askFor("", 12, { audit, policy: { model }, body: utf8(JSON.stringify(body)) });
  return (await buyer.buyer.ask(ask, { onText: () => undefined })).requestId;
}

/** Registers `host`'s account as a validator, with a bond or without. */
async function register(host: Host, bonded: boolean) {
  const { chain, key, address } = await market.account();
  await chain.registry.register({ role: "validator", receiptKey: address, peerId: toHex(utf8(host.peerId)) });
  if (bonded) {
    await chain.usd.approve(chain.stake.address, 10n ** 12n);
    await chain.stake.bond({ slots: 1, amount: await chain.stake.minPerSlot() });
    await chain.validators.join({
      sealingKey: toHex(randomBytes(32)),
      classIds: [engine.description.classId],
    });
  }
  return { chain, key, address };
}

interface TestValidator {
  readonly address: Hex;
  readonly host: Host;
  readonly validator: Validator;
  readonly log: readonly string[];
  stop(): Promise<void>;
  /** Stops, and starts again on the same journal. */
  restart(): Promise<void>;
}

async function startValidator(name: string): Promise<TestValidator> {
  const host = await market.peer();
  const { chain, address } = await register(host, true);
  const log: string[] = [];
  const path = join(home, `${name}.sqlite`);
  function open(): { journal: Journal; validator: Validator } {
    const journal = openJournal({ path, migrations: VALIDATOR_MIGRATIONS });
    const validator = createValidator(
      { host, chain, engine, journal, recoverAddress, log: (_level, message) => log.push(message) },
      { validator: address, auditRate: 1 },
    );
    validator.start();
    return { journal, validator };
  }
  let now = open();
  const test: TestValidator = {
    address,
    host,
    log,
    get validator() {
      return now.validator;
    },
    async stop() {
      await now.validator.stop();
      now.journal.close();
    },
    async restart() {
      await test.stop();
      now = open();
    },
  };
  return test;
}

const binding = () => ({
  chainId: market.chain.deployment.chainId,
  verifyingContract: market.chain.receipts.address,
});

/** Verdicts of a validator on the receipts of one epoch, straight from the chain. */
async function verdicts({ address }: TestValidator, epoch: number) {
  const link = await buyer.host.dial(provider.host.addresses);
  const { receipts } = await query(link, { method: "epoch", epoch }, epochReportSchema);
  return Promise.all(
    receipts.map(({ receipt }) =>
      market.chain.receipts.verdictOf(address, provider.account, toHex(receiptDigest(receipt, binding()))),
    ),
  );
}

describe("a transcript", () => {
  test("is shown to its buyer, to bonded validators, to everyone, or to nobody else, as the buyer said", async () => {
    const ids = { public: await buy("public"), validator: await buy("validator"), none: await buy("none") };
    const [stranger, bonded, unbonded] = [await market.peer(), await market.peer(), await market.peer()];
    await register(bonded, true);
    await register(unbonded, false);
    const ask = async (host: Host, requestId: Hex) =>
      query(await host.dial(provider.host.addresses), { method: "transcript", requestId }, transcriptSchema).then(
        () => "shown",
        ({ code }: { code: string }) => code,
      );
    const table = async (host: Host) => [
      await ask(host, ids.public),
      await ask(host, ids.validator),
      await ask(host, ids.none),
    ];
    const refused = "audit.notAllowed";
    expect(await table(buyer.host)).toEqual(["shown", "shown", "shown"]);
    expect(await table(bonded)).toEqual(["shown", "shown", refused]);
    expect(await table(unbonded)).toEqual(["shown", refused, refused]);
    expect(await table(stranger)).toEqual(["shown", refused, refused]);
    expect(await ask(stranger, `0x${"12".repeat(32)}`)).toBe("query.notFound");
  });
});

describe("a validator", () => {
  test("attests what it may see, once, over a restart and while the provider is away", async () => {
    const { epoch } = await provider.node.settle();
    if (epoch === null) {
      throw new Error("nothing was settled");
    }
    const auditor = await startValidator("patient");
    // No offer of the provider is known yet: it waits, and gives up nothing.
    await until("the epoch is found", () => auditor.validator.state().open === 1);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(auditor.validator.state().open).toBe(1);
    await market.meet(auditor.host, provider.host);
    await until("the epoch is audited", () => auditor.validator.state().open === 0, 15_000);
    // The answer that nobody may see has no verdict; the others pass.
    expect(await verdicts(auditor, epoch)).toEqual(["pass", "pass", undefined]);
    expect(auditor.validator.state().verdicts).toEqual({ pass: 2 });
    expect(auditor.log.filter((line) => line.includes("cannot be judged"))).toHaveLength(1);

    const attested = async () => {
      const seen: string[] = [];
      const done = new AbortController();
      await market.chain.follow({
        fromBlock: 0n,
        signal: done.signal,
        contracts: ["receiptLog"],
        async onLogs({ events, toBlock }) {
          seen.push(...events.flatMap((event) => (event.eventName === "Attested" ? [event.args.validator] : [])));
          if (toBlock >= (await market.chain.blockNumber())) {
            done.abort();
          }
        },
      });
      return seen.filter((validator) => validator === auditor.address).length;
    };
    expect(await attested()).toBe(2);
    await auditor.restart();
    await until(
      "it has looked again",
      () => auditor.log.filter((line) => line.includes("cannot be judged")).length > 1,
    );
    await until("nothing is open", () => auditor.validator.state().open === 0);
    expect(await attested()).toBe(2);
    await auditor.stop();
  }, 60_000);

  test("attests nothing under a root that is not of the receipts that are shown", async () => {
    await buy("validator");
    await buy("validator");
    // A root of something else is on chain before the provider closes its epoch of that number.
    const epoch = (await market.chain.receipts.lastEpoch(provider.account)) + 1;
    const root = toHex(merkleRoot([randomBytes(32)]));
    await provider.chain.receipts.postRoot({ epoch, root, count: 1, totalCost: 1n });
    await provider.node.settle();
    const auditor = await startValidator("strict");
    await market.meet(auditor.host, provider.host);
    await until(
      "it has seen the wrong root",
      () => auditor.log.some((line) => line.includes("are not the 1 under its root")),
      15_000,
    );
    expect(await verdicts(auditor, epoch)).toEqual([undefined, undefined]);
    await auditor.stop();
  }, 60_000);
});
