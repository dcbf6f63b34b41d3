import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AUDIT_CONTRACTS, auditEvents, recoverAddress } from "@depinfer/chain";
import { createLlamaEngine, type ScoringEngine } from "@depinfer/inference";
import { type Journal, openJournal } from "@depinfer/journal";
import { type Host, query } from "@depinfer/network";
import { type AuditRules, calibrationFor, createAuditRecord, drawMembers, isSelected } from "@depinfer/proof";
import {
  type AuditFlag,
  auditContext,
  createSealingKey,
  decodeMessage,
  encodeMessage,
  epochReportSchema,
  FrameType,
  type Hex,
  merkleRoot,
  openSealed,
  receiptDigest,
  type SealingKey,
  type SignedReceipt,
  seal,
  type TranscriptAnswer,
  toHex,
  transcriptAnswerSchema,
  transcriptSchema,
  utf8,
} from "@depinfer/protocol";
import { createValidator, VALIDATOR_MIGRATIONS, type Validator } from "@depinfer/validator";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { embeddedModels } from "../../apps/cli/src/home.ts";
import {
  type AuditedReceipt,
  type AuditReceiptModules,
  auditReceipt,
} from "../../services/validator/src/audit-receipt.ts";
import { createWordEngine } from "./engine.ts";
import { askFor, type Market, startMarket, type TestBuyer, type TestProvider, until } from "./market.ts";
import type { ValidatorProcess } from "./validator-process.ts";

/* Who may read an answer, and what a validator says of it. A real engine: the verdicts are about real text. */

const home = mkdtempSync(join(tmpdir(), "depinfer-audit-"));
const EVERYTHING = { newcomer: 1, floor: 1, halving: 1 };
const RULES: AuditRules = { schedule: EVERYTHING, boundsOf: calibrationFor };
let market: Market;
let engine: ScoringEngine;
let provider: TestProvider;
/** Audited as little as can be. */
let shy: TestProvider;
let buyer: TestBuyer;
const children: ChildProcess[] = [];

beforeAll(async () => {
  engine = await createLlamaEngine({ modelPath: embeddedModels.tiny, slots: 2 });
  market = await startMarket();
  provider = await market.provider({ audits: RULES }, engine);
  shy = await market.provider({ audits: { schedule: { newcomer: 0, floor: 0, halving: 1 } } }, createWordEngine());
  buyer = await market.buyer();
  await market.meet(buyer.host, provider.host);
}, 60_000);
afterAll(async () => {
  for (const child of children) {
    child.kill("SIGKILL");
  }
  await market.stop();
  await engine.dispose();
  rmSync(home, { recursive: true, force: true });
}, 30_000);

/** Members of earlier tests are not drawn in later ones. */
const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) {
    await end();
  }
}, 30_000);

/** Buys from one provider: others may be heard of by the way. */
async function buy(audit: AuditFlag, from = buyer, of = provider): Promise<Hex> {
  const model = of === shy ? createWordEngine().description.model : engine.description.model;
  const body = { model, messages: [{ role: "user", content: "Tell me a story." }], max_tokens: 12, temperature: 0 };
  const ask = askFor("", 12, { audit, policy: { model, providers: [of.account] }, body: utf8(JSON.stringify(body)) });
  return (await from.buyer.ask(ask, { onText: () => undefined })).requestId;
}

interface Auditor {
  readonly chain: Awaited<ReturnType<Market["account"]>>["chain"];
  readonly address: Hex;
  readonly key: Hex;
  readonly host: Host;
  readonly sealingKey: SealingKey;
}

/** An account registered as a validator at a host; with `classIds` also bonded and a member of the set. */
async function auditor(classIds: readonly Hex[] | null, host?: Host): Promise<Auditor> {
  const { chain, key, address } = await market.account();
  const at = host ?? (await market.peer());
  const sealingKey = createSealingKey(randomBytes);
  await chain.registry.register({ role: "validator", receiptKey: address, peerId: toHex(utf8(at.peerId)) });
  if (classIds !== null) {
    await chain.usd.approve(chain.stake.address, 10n ** 12n);
    await chain.stake.bond({ slots: 1, amount: await chain.validators.minStake() });
    await chain.validators.join({ sealingKey: sealingKey.publicKey, classIds });
    endings.push(() => chain.validators.leave());
  }
  return { chain, key, address, host: at, sealingKey };
}

interface TestValidator extends Auditor {
  readonly validator: Validator;
  readonly log: readonly string[];
  stop(): Promise<void>;
  /** Stops, and starts again on the same journal. */
  restart(): Promise<void>;
}

async function startValidator(name: string, as: Auditor, rules = RULES): Promise<TestValidator> {
  const log: string[] = [];
  const path = join(home, `${name}.sqlite`);
  const { chain, host, sealingKey } = as;
  const calibration = calibrationFor(engine.description.classId);
  function open(): { journal: Journal; validator: Validator } {
    const journal = openJournal({ path, parts: { validator: VALIDATOR_MIGRATIONS } });
    const validator = createValidator(
      {
        host,
        chain,
        engine,
        calibration,
        sealingKey,
        journal,
        recoverAddress,
        log: (_level, message) => log.push(message),
      },
      { validator: as.address, audits: rules },
    );
    validator.start();
    return { journal, validator };
  }
  let now = open();
  const test: TestValidator = {
    ...as,
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
  endings.push(test.stop);
  return test;
}

const digestOf = ({ receipt }: SignedReceipt): Hex =>
  toHex(
    receiptDigest(receipt, {
      chainId: market.chain.deployment.chainId,
      verifyingContract: market.chain.receipts.address,
    }),
  );

async function receiptsOf(epoch: number, of = provider): Promise<readonly SignedReceipt[]> {
  const link = await buyer.host.dial(of.host.addresses);
  return (await query(link, { method: "epoch", epoch }, epochReportSchema)).receipts;
}

async function settle(of = provider): Promise<number> {
  const { epoch } = await of.node.settle();
  if (epoch === null) {
    throw new Error("nothing was settled");
  }
  return epoch;
}

async function beaconOf(epoch: number, of = provider): Promise<Hex> {
  const posted = await market.chain.receipts.epoch(of.account, epoch);
  const target = posted?.targetBlock ?? 0n;
  await until("the target block is past", async () => (await market.chain.blockNumber()) > target);
  const { beacon } = await market.chain.receipts.drawBeacon(of.account, epoch);
  if (beacon === undefined) {
    throw new Error("no beacon was drawn");
  }
  return beacon;
}

/** What a peer gets for a request: `plain`, `sealed`, or the code of the refusal. */
async function ask(host: Host, requestId: Hex, of = provider): Promise<string> {
  const link = await host.dial(of.host.addresses);
  return query(link, { method: "transcript", requestId }, transcriptAnswerSchema).then(
    (answer) => ("sealed" in answer ? "sealed" : "plain"),
    ({ code }: { code: string }) => code,
  );
}

/** Every attestation on chain, in order. */
async function attested() {
  const events = auditEvents(await allEvents());
  return events.flatMap((event) => (event.kind === "attested" ? [event] : []));
}

async function allEvents() {
  const done = new AbortController();
  const seen: Parameters<typeof auditEvents>[0][number][] = [];
  await market.chain.follow({
    fromBlock: BigInt(market.chain.deployment.block),
    signal: done.signal,
    contracts: AUDIT_CONTRACTS,
    async onLogs({ events, toBlock }) {
      seen.push(...events);
      if (toBlock >= (await market.chain.blockNumber())) {
        done.abort();
      }
    },
  });
  return seen;
}

describe("a transcript", () => {
  test("is shown in the clear to its buyer, and to everybody or nobody else as the buyer said", async () => {
    const ids = { public: await buy("public"), validator: await buy("validator"), none: await buy("none") };
    const stranger = await market.peer();
    expect([await ask(buyer.host, ids.public), await ask(stranger, ids.public)]).toEqual(["plain", "plain"]);
    expect([await ask(buyer.host, ids.none), await ask(stranger, ids.none)]).toEqual(["plain", "audit.notAllowed"]);
    expect([await ask(buyer.host, ids.validator), await ask(stranger, ids.validator)]).toEqual([
      "plain",
      "audit.noBeacon",
    ]);
    expect(await ask(stranger, `0x${"12".repeat(32)}`)).toBe("query.notFound");
  });

  test("is sealed for the validator that the beacon drew, and for no other", async () => {
    const { classId } = engine.description;
    const members = [await auditor([classId]), await auditor([classId]), await auditor([classId])];
    const elsewhere = await auditor([`0x${"cd".repeat(32)}`]);
    const unbonded = await auditor(null);
    const ids = [await buy("validator"), await buy("validator"), await buy("none")];
    const [first = "0x"] = ids;
    const peers = [...members.map(({ host }) => host), elsewhere.host, unbonded.host, await market.peer()];
    const everybody = async (id: Hex) => Promise.all(peers.map((host) => ask(host, id)));
    expect(new Set(await everybody(first))).toEqual(new Set(["audit.noBeacon"]));
    const epoch = await settle();
    expect(new Set(await everybody(first))).toEqual(new Set(["audit.noBeacon"]));
    const beacon = await beaconOf(epoch);
    // One that joins after the beacon's block, however low its rank, is too late.
    const late = await auditor([classId]);
    const addresses = members.map(({ address }) => address);
    for (const signed of (await receiptsOf(epoch)).filter(({ receipt }) => ids.includes(receipt.requestId))) {
      const digest = digestOf(signed);
      const id = signed.receipt.requestId;
      const [drawn] = drawMembers(beacon, digest, addresses, 1);
      const hidden = id === ids[2];
      const wanted = addresses.map((address) =>
        hidden ? "audit.notAllowed" : address === drawn ? "sealed" : "audit.notDrawn",
      );
      await until("the provider knows the beacon", async () => (await ask(peers[0] ?? buyer.host, id)) === wanted[0]);
      const others = hidden
        ? ["audit.notAllowed", "audit.notAllowed", "audit.notAllowed"]
        : ["audit.notDrawn", "audit.notValidator", "audit.notValidator"];
      expect(await everybody(id)).toEqual([...wanted, ...others]);
      expect(await ask(late.host, id)).toBe(hidden ? "audit.notAllowed" : "audit.notDrawn");
      expect(await ask(buyer.host, id)).toBe("plain");
      const reader = members.find(({ address }) => address === drawn);
      if (!hidden && reader !== undefined) {
        const link = await reader.host.dial(provider.host.addresses);
        const answer = await query(link, { method: "transcript", requestId: id }, transcriptAnswerSchema);
        const sealed = new Uint8Array(Buffer.from("sealed" in answer ? answer.sealed : "", "base64"));
        const context = auditContext(digest, epoch);
        const opened = decodeMessage(
          transcriptSchema,
          openSealed(sealed, { key: reader.sealingKey, context }),
          "transcript",
        );
        expect(opened).toEqual(buyer.buyer.transcript(id));
        const another = { key: reader.sealingKey, context: auditContext(digest, epoch + 1) };
        expect(() => openSealed(sealed, another)).toThrow(expect.objectContaining({ code: "seal.broken" }));
      }
    }
  }, 60_000);

  test("that the beacon does not select is shown to no validator", async () => {
    const { classId } = createWordEngine().description;
    await market.meet(buyer.host, shy.host);
    const member = await auditor([classId]);
    for (let i = 0; i < 8; i++) {
      await buy("validator", buyer, shy);
    }
    const epoch = await settle(shy);
    const beacon = await beaconOf(epoch, shy);
    const receipts = await receiptsOf(epoch, shy);
    const [first] = receipts;
    await until(
      "the provider knows the beacon",
      async () => (await ask(member.host, first?.receipt.requestId ?? "0x", shy)) !== "audit.noBeacon",
    );
    const selected = receipts.map((signed) => isSelected(beacon, digestOf(signed), { count: 8, rate: 0 }));
    expect(selected).toContain(false);
    const answers = await Promise.all(receipts.map(({ receipt }) => ask(member.host, receipt.requestId, shy)));
    expect(answers).toEqual(selected.map((yes) => (yes ? "sealed" : "audit.notSelected")));
  }, 60_000);
});

describe("validators", () => {
  test("attest what they were drawn for, once, over a restart and while the provider is away; anyone finds the same evidence", async () => {
    const { classId } = engine.description;
    const auditors = [await auditor([classId]), await auditor([classId])];
    const [patient, other] = [
      await startValidator("patient", auditors[0] ?? (await auditor(null))),
      await startValidator("other", auditors[1] ?? (await auditor(null))),
    ];
    const ids = [await buy("public"), await buy("validator"), await buy("validator"), await buy("none")];
    const epoch = await settle();
    // No offer of the provider is known yet: they wait, and give up nothing.
    const epochs = async (of: Hex) => market.chain.receipts.lastEpoch(of);
    const posts = (await epochs(provider.account)) + (await epochs(shy.account));
    await until("the epochs are found", () => patient.validator.state().open === posts);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(patient.validator.state().open).toBe(posts);
    await market.meet(patient.host, provider.host);
    await market.meet(other.host, provider.host);
    await until("the provider's receipts are attested", async () => (await attested()).length === 3, 20_000);

    const receipts = (await receiptsOf(epoch)).filter(({ receipt }) => ids.includes(receipt.requestId));
    const posted = await market.chain.receipts.epoch(provider.account, epoch);
    const members = [patient.address, other.address];
    const found = await attested();
    const wanted = receipts.flatMap((signed) => {
      const digest = digestOf(signed);
      const [validator] = drawMembers(posted?.beacon ?? "0x", digest, members, 1);
      return signed.receipt.requestId === ids[3] ? [] : [{ validator, digest, verdict: "pass", classId, epoch }];
    });
    const bare = found.map(({ validator, digest, verdict, classId: of, epoch: number }) => ({
      validator,
      digest,
      verdict,
      classId: of,
      epoch: number,
    }));
    expect(new Set(bare)).toEqual(new Set(wanted));

    await patient.restart();
    await other.restart();
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(await attested()).toHaveLength(3);

    // A stranger with nothing but the chain comes to the same record as a validator that kept it over a restart.
    const stranger = createAuditRecord(RULES);
    stranger.take(0, auditEvents(await allEvents()));
    const record = stranger.provider(provider.account);
    expect(record).toMatchObject({ ordinal: 1, passes: 3, uncounted: { notDrawn: 0, again: 0 } });
    expect(record.classes).toMatchObject([{ classId, state: { verdicts: 3 } }]);
    expect(patient.validator.evidence(provider.account)).toEqual(record);
    expect(other.validator.evidence(provider.account)).toEqual(record);
  }, 90_000);

  test("attest nothing once it would not count any more", async () => {
    const slow = await auditor([engine.description.classId]);
    await buy("validator");
    await settle();
    const before = (await attested()).length;
    const running = await startValidator("slow", slow, { ...RULES, windowBlocks: 0 });
    await market.meet(slow.host, provider.host);
    await until("it knows", () => running.log.some((line) => line.includes("counted until block")), 15_000);
    await until("nothing is open", () => running.validator.state().open === 0, 15_000);
    expect(await attested()).toHaveLength(before);
  }, 60_000);

  test("attest nothing under a root that is not of the receipts that are shown", async () => {
    const strict = await auditor([engine.description.classId]);
    await buy("validator");
    await buy("validator");
    // A root of something else is on chain before the provider closes its epoch of that number.
    const epoch = (await market.chain.receipts.lastEpoch(provider.account)) + 1;
    const root = toHex(merkleRoot([randomBytes(32)]));
    await provider.chain.receipts.postRoot({ epoch, root, count: 1, totalCost: 1n });
    await provider.node.settle();
    const before = (await attested()).length;
    const running = await startValidator("strict", strict);
    await market.meet(strict.host, provider.host);
    await until(
      "it has seen the wrong root",
      () => running.log.some((line) => line.includes("are not the 1 under its root")),
      15_000,
    );
    expect(await attested()).toHaveLength(before);
  }, 60_000);
});

describe("a validator that is killed", () => {
  const places = ["scoring", "attesting", "attested"] as const;

  test.each(places)(
    "while %s judges the same afterwards, once",
    async (place) => {
      const own = await market.provider({ audits: RULES }, engine);
      const client = await market.buyer();
      await market.meet(client.host, own.host);
      const member = await auditor([engine.description.classId]);
      const seed = toHex(randomBytes(32));
      await member.chain.registry.update({ receiptKey: member.address, peerId: await peerIdOf(seed) });
      await buy("validator", client, own);
      const epoch = await settle(own);
      const start = (stopAt: ValidatorProcess["stopAt"], blind: boolean) =>
        startProcess({
          rpcUrl: market.chain.rpcUrl,
          deployment: market.chain.deployment,
          key: member.key,
          seed,
          sealingSecret: toHex(member.sealingKey.secretKey),
          journal: join(home, `killed-${place}.sqlite`),
          provider: own.host.addresses.map(String),
          stopAt,
          blind,
        });
      const first = start(place, false);
      await first.said(place);
      await first.kill();
      const [receipt] = await receiptsOf(epoch, own);
      const digest = receipt === undefined ? "0x" : digestOf(receipt);
      const verdict = () => market.chain.receipts.verdictOf(member.address, own.account, digest);
      expect(await verdict()).toBe(place === "attested" ? "pass" : undefined);
      // Once it has found something it judges no more: an engine that would find otherwise is not asked.
      const second = start("nowhere", place !== "scoring");
      await second.said("started");
      await until("the verdict is on chain", async () => (await verdict()) === "pass", 45_000);
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      await second.kill();
      expect((await attested()).filter((event) => event.digest === digest)).toHaveLength(1);
      expect(second.lines).toContain("started");
      expect(second.lines.includes("scoring")).toBe(place === "scoring");
    },
    150_000,
  );
});

describe("an auditor refuses, and says nothing about the provider,", () => {
  test("whatever is not this provider's answer of its own class", async () => {
    const id = await buy("validator");
    const otherId = await buy("validator");
    const words = createWordEngine().description;
    await market.meet(buyer.host, shy.host);
    const foreignId = await buy("validator", buyer, shy);
    const stored = (request: Hex) => {
      const { signed } = buyer.buyer.request(request) ?? {};
      const transcript = buyer.buyer.transcript(request);
      if (signed === null || signed === undefined || transcript === undefined) {
        throw new Error(`no receipt of ${request}`);
      }
      return { signed, transcript };
    };
    const [own, other, foreign] = [stored(id), stored(otherId), stored(foreignId)];
    const key = createSealingKey(randomBytes);
    const sealed = (content: unknown, reader = key, digest = digestOf(own.signed)): TranscriptAnswer => {
      const context = auditContext(digest, 7);
      const bytes = seal(encodeMessage(content), { readers: [reader.publicKey], context, randomBytes });
      return { sealed: Buffer.from(bytes).toString("base64") };
    };

    // A node that answers every query with what the test wants.
    const liar = await market.peer();
    let says: unknown = null;
    liar.serve((exchange) => {
      exchange.onFrame(() => undefined);
      exchange.send(FrameType.RESULT, encodeMessage(says));
      exchange.end();
    });
    const link = await (await market.peer()).dial(liar.addresses);
    const { receiptKey = "0x" } = (await market.chain.registry.byOperator(provider.account)) ?? {};
    const calibration = calibrationFor(engine.description.classId);
    const binding = { chainId: market.chain.deployment.chainId, verifyingContract: market.chain.receipts.address };
    const audit = async (
      answer: unknown,
      changes: Partial<AuditedReceipt> = {},
      modules: Partial<AuditReceiptModules> = {},
    ): Promise<string> => {
      says = answer;
      const about = { provider: provider.account, epoch: 7, signed: own.signed, receiptKey, binding, ...changes };
      return auditReceipt({ engine, calibration, sealingKey: key, recoverAddress, ...modules }, link, about).then(
        ({ verdict }) => verdict,
        ({ code }: { code: string }) => code,
      );
    };
    const before = (await attested()).length;

    expect(await audit(own.transcript)).toBe("pass");
    expect(await audit(sealed(own.transcript))).toBe("pass");

    expect(await audit(sealed(own.transcript, createSealingKey(randomBytes)))).toBe("seal.notForYou");
    expect(await audit(sealed(own.transcript, key, digestOf(other.signed)))).toBe("seal.broken");
    expect(await audit({ sealed: "AAAA" })).toBe("seal.malformed");
    expect(await audit(sealed({ text: "no transcript" }))).toBe("message.malformed");
    expect(await audit({ nothing: true })).toBe("message.malformed");
    expect(await audit(other.transcript)).toBe("transcript.notOpening");
    expect(await audit({ ...own.transcript, outputTokens: [1, 2, 3] })).toBe("transcript.notOpening");
    expect(await audit(own.transcript, { receiptKey: market.chain.receipts.address })).toBe("receipt.badSignature");
    expect(await audit(own.transcript, { provider: shy.account })).toBe("audit.foreignReceipt");
    const shyKey = (await market.chain.registry.byOperator(shy.account))?.receiptKey ?? "0x";
    const ofWords = { provider: shy.account, signed: foreign.signed, receiptKey: shyKey };
    expect(await audit(foreign.transcript, ofWords)).toBe("verify.wrongClass");
    const elsewhere = { ...calibration, classId: words.classId };
    expect(await audit(own.transcript, {}, { calibration: elsewhere })).toBe("calibration.otherClass");
    expect(await attested()).toHaveLength(before);
  }, 60_000);
});

async function peerIdOf(seed: Hex): Promise<Hex> {
  const { createHost } = await import("@depinfer/network");
  const host = createHost({}, { seed: Buffer.from(seed.slice(2), "hex"), role: "validator", discovery: false });
  await host.start();
  const { peerId } = host;
  await host.stop();
  return toHex(utf8(peerId));
}

function startProcess(options: ValidatorProcess) {
  const child = fork(join(import.meta.dirname, "validator-process.ts"), [JSON.stringify(options)], {
    execArgv: ["--conditions=source", "--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  children.push(child);
  const lines: string[] = [];
  child.on("message", (message) => lines.push(String(message)));
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  return {
    lines,
    async said(what: string) {
      await until(`the validator says ${what}`, () => lines.includes(what), 45_000).catch((error: unknown) => {
        throw new Error(`${String(error)}; it said: ${lines.join("; ")}`);
      });
    },
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
