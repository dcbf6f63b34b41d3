import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Chain, eligibleMembers, recoverAddress } from "@depinfer/chain";
import { createLlamaEngine, type ScoringEngine } from "@depinfer/inference";
import { openJournal } from "@depinfer/journal";
import { calibrationFor, drawMembers } from "@depinfer/proof";
import {
  type AuditEvent,
  bytes32Schema,
  concatBytes,
  createSealingKey,
  fromHex,
  type Hex,
  keccak,
  receiptToJson,
  type SealingKey,
  type SignedReceipt,
  type Transcript,
  toHex,
  uintBytes,
  utf8,
} from "@depinfer/protocol";
import {
  createChallenger,
  createJuror,
  type Juror,
  openEvidence,
  publicEvidence,
  sealedEvidence,
  VALIDATOR_MIGRATIONS,
} from "@depinfer/validator";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { embeddedModels } from "../../apps/cli/src/home.ts";
import { askFor, type Market, startMarket, type TestBuyer, type TestProvider, until } from "./market.ts";

/* Jurors that are stopped, fed with rubbish or left alone. A real engine: the verdicts are about real text. */

const BOUNDS = {
  honestMismatchRate: 0.001,
  honestMeanMargin: 0.001,
  clip: 2,
  weakestCheatRate: 0.05,
  minimumTokens: 8,
};
const home = mkdtempSync(join(tmpdir(), "depinfer-jury-"));
let market: Market;
let engine: ScoringEngine;
let provider: TestProvider;
let buyer: TestBuyer;
let members: Member[];
let running: Juror[] = [];

interface Member {
  readonly chain: Chain;
  readonly address: Hex;
  readonly sealingKey: SealingKey;
  readonly journal: string;
  readonly log: string[];
}

beforeAll(async () => {
  engine = await createLlamaEngine({ modelPath: embeddedModels.tiny, slots: 2 });
  market = await startMarket();
  provider = await market.provider({}, engine);
  await bond(provider.chain);
  buyer = await market.buyer();
  await buyer.chain.usd.approve(buyer.chain.disputes.address, 10n ** 12n);
  await market.meet(buyer.host, provider.host);
  members = [await member("first"), await member("second"), await member("third")];
}, 60_000);
afterEach(async () => {
  await Promise.all(running.map((juror) => juror.stop()));
  running = [];
});
afterAll(async () => {
  await market.stop();
  await engine.dispose();
  rmSync(home, { recursive: true, force: true });
}, 30_000);

async function bond(chain: Chain): Promise<void> {
  await chain.usd.approve(chain.stake.address, 10n ** 12n);
  await chain.stake.bond({ slots: 1, amount: 2n * (await chain.stake.minPerSlot()) });
}

async function member(name: string): Promise<Member> {
  const { chain, address } = await market.account();
  await chain.registry.register({ role: "validator", receiptKey: address, peerId: toHex(utf8(name)) });
  await bond(chain);
  const sealingKey = createSealingKey(randomBytes);
  await chain.validators.join({ sealingKey: sealingKey.publicKey, classIds: [engine.description.classId] });
  return { chain, address, sealingKey, journal: join(home, `${name}.sqlite`), log: [] };
}

const sit = (one: Member, changes: Partial<Chain["disputes"]> = {}) => sitWith(engine, one, changes);

/** A juror at work on a journal that outlives it. */
function sitWith(
  scoring: ScoringEngine,
  { chain, address, sealingKey, journal: path, log }: Member,
  changes: Partial<Chain["disputes"]> = {},
  auditEvents: readonly AuditEvent[] = [],
) {
  const journal = openJournal({ path, parts: { validator: VALIDATOR_MIGRATIONS } });
  const juror = createJuror(
    {
      chain: { ...chain, disputes: { ...chain.disputes, ...changes } },
      engine: scoring,
      calibration: calibrationFor(scoring.description.classId),
      sealingKey,
      recoverAddress,
      auditEvents: () => auditEvents,
      rules: { boundsOf: () => BOUNDS },
      journal,
      randomBytes,
      log: (_level, message) => log.push(message),
    },
    { juror: address },
  );
  juror.start();
  const sitting = {
    ...juror,
    async stop() {
      await juror.stop();
      if (journal.db.isOpen) {
        journal.close();
      }
    },
  };
  running.push(sitting);
  return sitting;
}

/** Answers of an engine that finds every token wrong. */
function blind(): ScoringEngine {
  return {
    ...engine,
    score: async (prompt, tokens) =>
      (await engine.score(prompt, tokens)).map((position) => ({ ...position, chosenLogit: -1e9 })),
  };
}

interface Bought {
  readonly signed: SignedReceipt;
  readonly transcript: Transcript;
}

async function buy(): Promise<Bought> {
  const { model } = engine.description;
  const messages = [{ role: "user", content: `Tell me story ${toHex(randomBytes(4))}.` }];
  const body = utf8(JSON.stringify({ model, messages, max_tokens: 40, temperature: 1 }));
  const ask = askFor("", 40, { policy: { model }, body });
  const { requestId } = await buyer.buyer.ask(ask, { onText: () => undefined });
  await until("the receipt is there", () => (buyer.buyer.request(requestId)?.signed ?? null) !== null);
  const signed = buyer.buyer.request(requestId)?.signed;
  const transcript = buyer.buyer.transcript(requestId);
  if (signed === undefined || signed === null || transcript === undefined) {
    throw new Error("the answer has no receipt");
  }
  return { signed, transcript };
}

async function open({ signed }: Bought): Promise<Hex> {
  const config = await buyer.chain.channels.configOf(signed.receipt.channelId);
  if (config === undefined) {
    throw new Error("the channel was opened");
  }
  const { id, blockNumber } = await buyer.chain.disputes.open({ ...signed, config });
  await until("the beacon is there", async () => (await market.chain.blockNumber()) > blockNumber + 1n);
  await buyer.chain.disputes.drawJury(id).catch(() => undefined);
  return id;
}

const sealedFor = (id: Hex, transcript: Transcript, readers = members.map(({ sealingKey }) => sealingKey.publicKey)) =>
  sealedEvidence(transcript, { id, readers, randomBytes });

async function advance(seconds: number): Promise<void> {
  await rpc("evm_increaseTime", seconds);
  await rpc("evm_mine");
}

/** Calls what the chain package has no need of. */
async function rpc(method: string, ...params: readonly unknown[]): Promise<unknown> {
  const response = await fetch(market.chain.rpcUrl, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  return z.object({ result: z.unknown() }).parse(await response.json()).result;
}

const toHexNumber = (value: bigint): string => `0x${value.toString(16)}`;

async function outcome(id: Hex): Promise<string | undefined> {
  await until("the jury has spoken", async () => (await market.chain.disputes.state(id))?.phase === "tallied", 30_000);
  const said = (await market.chain.disputes.state(id))?.outcome;
  await advance(14 * 3_600);
  await until("it is closed", async () => (await market.chain.disputes.state(id))?.phase === "closed", 20_000);
  return said;
}

describe("a jury", () => {
  test("finds the transcript among rubbish, and acquits an honest answer", async () => {
    const bought = await buy();
    const id = await open(bought);
    const { submitEvidence } = buyer.chain.disputes;
    const stranger = createSealingKey(randomBytes).publicKey;
    await submitEvidence(id, "0x");
    await submitEvidence(id, toHex(randomBytes(300)));
    await submitEvidence(id, toHex(concatBytes(Uint8Array.of(0), randomBytes(100))));
    await submitEvidence(id, sealedFor(id, bought.transcript, [stranger]));
    await submitEvidence(id, sealedFor(toHex(randomBytes(32)), bought.transcript));
    await submitEvidence(id, publicEvidence((await buy()).transcript));
    await submitEvidence(id, publicEvidence({ ...bought.transcript, text: "something else" }));
    await submitEvidence(id, publicEvidence({ ...bought.transcript, providerNonce: toHex(randomBytes(32)) }));
    await submitEvidence(id, sealedFor(id, bought.transcript));
    for (const one of members) {
      sit(one);
    }
    expect(await outcome(id)).toBe("pass");
    const before = await market.chain.disputes.claimable(provider.account);
    expect(before, "half of the bond").toBeGreaterThanOrEqual(2_500_000n);
  }, 90_000);

  test("says nothing when nobody publishes the transcript, and nobody loses anything", async () => {
    const id = await open(await buy());
    for (const one of members) {
      sit(one);
    }
    const patience = 2 * 3_600;
    await advance(patience);
    expect(members.every(({ log }) => !log.some((line) => line.includes(`verdict in dispute ${id}`)))).toBe(true);
    await advance(patience + 1_800);
    const stakes = await Promise.all(members.map(({ chain, address }) => chain.stake.of(address)));
    expect(await outcome(id)).toBe("inconclusive");
    expect(
      await Promise.all(members.map(async ({ chain, address }) => (await chain.stake.of(address)).amount)),
    ).toEqual(stakes.map(({ amount }) => amount));
  }, 90_000);

  test("keeps to its first ballot when it is stopped before it could commit, and before it could reveal", async () => {
    const bought = await buy();
    const id = await open(bought);
    await buyer.chain.disputes.submitEvidence(id, sealedFor(id, bought.transcript));
    const dying = () => Promise.reject(new Error("the process ended here"));
    const [one, ...others] = members;
    if (one === undefined) {
      throw new Error("there are jurors");
    }
    for (const other of others) {
      sit(other);
    }
    // Judged and kept, not committed.
    const first = sit(one, { commit: dying });
    await until("it has judged", () => first.state().votes > 0 && one.log.some((line) => line.includes("ended here")));
    await first.stop();
    expect((await market.chain.disputes.vote(id, 1, one.address)).committed).toBe(false);
    // Committed, not revealed; with an engine by which it would judge otherwise now.
    one.log.length = 0;
    const second = sitWith(blind(), one, { reveal: dying });
    await until("it has committed", async () => (await market.chain.disputes.vote(id, 1, one.address)).committed);
    await until("it tries to reveal", () => one.log.some((line) => line.includes("ended here")), 20_000);
    await second.stop();
    expect((await market.chain.disputes.vote(id, 1, one.address)).verdict).toBeUndefined();
    sitWith(blind(), one);
    await until(
      "it has revealed",
      async () => (await market.chain.disputes.vote(id, 1, one.address)).verdict !== undefined,
      20_000,
    );
    expect((await market.chain.disputes.vote(id, 1, one.address)).verdict).toBe("pass");
    expect(await outcome(id)).toBe("pass");
  }, 120_000);

  test("loses stake for what it found wrongly", async () => {
    const bought = await buy();
    const id = await open(bought);
    await buyer.chain.disputes.submitEvidence(id, sealedFor(id, bought.transcript));
    const [one, ...others] = members;
    if (one === undefined) {
      throw new Error("there are jurors");
    }
    const before = (await market.chain.stake.of(one.address)).amount;
    sitWith(blind(), one);
    for (const other of others) {
      sit(other);
    }
    expect(await outcome(id)).toBe("pass");
    expect((await market.chain.stake.of(one.address)).amount).toBe(before - 5_000_000n);
    expect((await market.chain.stake.of(provider.account)).amount, "the accused keeps all").toBe(20_000_000n);
  }, 90_000);
});

test("a challenger disputes what it is given, once, and refuses rubbish", async () => {
  const bought = await buy();
  const log: string[] = [];
  const challenger = createChallenger(buyer.chain, (_level, message) => log.push(message));
  for (const one of members) {
    sit(one);
  }
  const file = JSON.stringify({ receipt: receiptToJson(bought.signed), transcript: bought.transcript });
  challenger.take("{}");
  challenger.take(file);
  challenger.take(file);
  await until("it has opened a dispute", () => log.some((line) => line.startsWith("disputing")), 20_000);
  const [id] = (await market.chain.disputes.events())
    .flatMap((event) => (event.eventName === "DisputeOpened" ? [event.args.id] : []))
    .slice(-1);
  expect(await outcome(id ?? "0x")).toBe("pass");
  await challenger.idle();
  expect(log.filter((line) => line.includes("cannot be disputed"))).toHaveLength(2);
  expect(log).toContain(`dispute ${id} ended with pass`);
}, 90_000);

test("a jury is the one that anybody computes from the block's hash", async () => {
  const { id, blockNumber } = await buyer.chain.disputes.openRecord(provider.account, engine.description.classId, 1n);
  await until("the beacon is there", async () => (await market.chain.blockNumber()) > blockNumber + 1n);
  const drawn = await buyer.chain.disputes.drawJury(id);
  const { targetBlock = 0n } = (await market.chain.disputes.state(id)) ?? {};
  const block = z
    .object({ hash: bytes32Schema })
    .parse(await rpc("eth_getBlockByNumber", toHexNumber(targetBlock), false));
  const beacon = toHex(keccak(fromHex(block.hash), fromHex(id), uintBytes(1, 32)));
  const eligible = eligibleMembers(
    await market.chain.validators.before(targetBlock),
    engine.description.classId,
    targetBlock,
  );
  expect(drawn).toEqual(
    drawMembers(
      beacon,
      id,
      eligible.map(({ validator }) => validator),
      3,
    ),
  );
  for (const one of members) {
    sit(one);
  }
  expect(await outcome(id)).toBe("inconclusive");
}, 60_000);

describe("a record", () => {
  test("convicts if the verdicts that count until the block do, and not by later ones", async () => {
    const { classId } = engine.description;
    const auditor = members[0]?.address ?? "0x";
    const digest = toHex(randomBytes(32));
    const accused = provider.account;
    /** A receipt that is alone in its epoch is always selected, and the only member always drawn. */
    const events: AuditEvent[] = [
      { kind: "provider", block: 1, provider: accused },
      { kind: "joined", block: 1, validator: auditor, classIds: [classId] },
      { kind: "root", block: 2, provider: accused, epoch: 1, count: 1 },
      { kind: "beacon", block: 4, provider: accused, epoch: 1, beacon: digest, targetBlock: 3 },
      {
        ...{ kind: "attested", block: 5, validator: auditor, provider: accused, epoch: 1, digest, classId },
        ...{ verdict: "fail", tokens: 64, mismatches: 40, marginMicros: 60_000_000 },
      },
    ];
    const before = (await market.chain.stake.of(accused)).amount;
    for (const [uptoBlock, verdict] of [
      [4n, "inconclusive"],
      [5n, "fail"],
    ] as const) {
      const { id, blockNumber } = await buyer.chain.disputes.openRecord(accused, classId, uptoBlock);
      await until("the beacon is there", async () => (await market.chain.blockNumber()) > blockNumber + 1n);
      const sitting = members.map((one) => sitWith(engine, one, {}, events));
      expect(await outcome(id), `until block ${uptoBlock}`).toBe(verdict);
      await Promise.all(sitting.map((one) => one.stop()));
    }
    expect(before).toBeGreaterThan(0n);
    expect((await market.chain.stake.of(accused)).amount).toBe(0n);
    await expect(buyer.chain.disputes.openRecord(accused, classId, 6n)).rejects.toMatchObject({
      errorName: "NothingAtStake",
    });
  }, 120_000);
});

test("whatever is published as evidence is opened or refused by a code", () => {
  const key = createSealingKey(randomBytes);
  const id = toHex(randomBytes(32));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.constantFrom(0, 1, 2), (bytes, kind) => {
      let code = "opened";
      try {
        openEvidence(toHex(concatBytes(Uint8Array.of(kind), bytes)), { id, key });
      } catch (error) {
        code = error instanceof Error && "code" in error ? String(error.code) : `not ours: ${String(error)}`;
      }
      expect(code).toMatch(/^(evidence|seal|message|bytes)\./);
    }),
    { numRuns: 2_000 },
  );
});
