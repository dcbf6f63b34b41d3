import { mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openJournal } from "@depinfer/journal";
import { type ChannelConfig, type Hex, microUsd } from "@depinfer/protocol";
import { array, assert, asyncProperty, bigInt, boolean, constantFrom, record } from "fast-check";
import { expect, test } from "vitest";
import { BUYER_MIGRATIONS } from "./buyer-journal.ts";
import { type BuyerLedger, createBuyerLedger, LOST_ACCOUNT } from "./buyer-ledger.ts";
import { type FinishedRequest, NO_TOKENS } from "./buyer-rows.ts";

const word = (byte: number): Hex => `0x${byte.toString(16).padStart(2, "0").repeat(32)}`;
const account = (byte: number): Hex => `0x${byte.toString(16).padStart(2, "0").repeat(20)}`;
const config: ChannelConfig = {
  payer: account(1),
  payerAuthorizer: account(2),
  receiver: account(3),
  receiverAuthorizer: account(3),
  token: account(4),
  withdrawDelay: 900,
  salt: word(5),
};
const CHANNEL = word(6);
const fresh = () => join(mkdtempSync(join(tmpdir(), "buyer-ledger-")), "journal.sqlite");
const open = (path: string) => openJournal({ path, parts: { buyer: BUYER_MIGRATIONS } });

function started(id: Hex, changes: { readonly account?: string; readonly reserved?: bigint; readonly at?: number }) {
  return {
    id,
    channelId: CHANNEL,
    provider: config.receiver,
    peerId: "peer",
    model: "words",
    account: changes.account ?? "app",
    reserved: microUsd(changes.reserved ?? 100n),
    startedAt: changes.at ?? 0,
    request: Uint8Array.of(1),
    pass: null,
  };
}

function finished(changes: Partial<FinishedRequest>): FinishedRequest {
  return {
    state: "done",
    cost: microUsd(0n),
    usage: NO_TOKENS,
    providerNonce: null,
    tokens: [],
    text: "",
    signed: null,
    fault: null,
    reserved: microUsd(0n),
    ...changes,
  };
}

async function withChannel(path: string): Promise<{ ledger: BuyerLedger; close: () => void }> {
  const journal = open(path);
  const ledger = createBuyerLedger(journal);
  await ledger.saveChannel(CHANNEL, config, null);
  await ledger.saveEscrow(CHANNEL, { state: "open", deposit: 1_000_000n, settled: 0n, withdrawAt: null });
  return { ledger, close: () => journal.close() };
}

test("what an account has used is the sum of its requests, whatever became of them, also after a restart", async () => {
  const step = record({
    account: constantFrom("a", "b"),
    reserved: bigInt(0n, 1_000n),
    share: bigInt(0n, 1_000n),
    end: constantFrom("none", "done", "failed", "broken", "broken, then done"),
    restart: boolean(),
    absorbed: constantFrom("never", "before its end", "after its end", "twice"),
  });
  await assert(
    asyncProperty(array(step, { maxLength: 12 }), async (steps) => {
      const path = fresh();
      let now = await withChannel(path);
      for (const [index, { account: name, reserved, share, end, restart, absorbed }] of steps.entries()) {
        const id = word(index + 10);
        const cost = microUsd((reserved * share) / 1_000n);
        await now.ledger.start(started(id, { account: name, reserved }));
        if (end === "failed") {
          await now.ledger.finish(id, finished({ state: "failed" }));
        } else if (end.startsWith("broken")) {
          await now.ledger.finish(id, finished({ state: "broken", reserved: cost }));
        }
        if (restart) {
          now.close();
          now = await withChannel(path);
          await now.ledger.recover();
        }
        if (absorbed === "before its end" || absorbed === "twice") {
          await now.ledger.absorb(id);
        }
        if (end.endsWith("done")) {
          await now.ledger.finish(id, finished({ cost }));
        }
        if (absorbed === "after its end" || absorbed === "twice") {
          await now.ledger.absorb(id);
        }
      }
      const all = now.ledger.requests(1_000);
      for (const name of ["a", "b", LOST_ACCOUNT]) {
        const own = all.filter((request) => request.account === name);
        expect(now.ledger.account(name)).toEqual({
          spent: own.reduce((sum, { cost }) => sum + cost, 0n),
          reserved: own.reduce((sum, request) => sum + request.reserved, 0n),
        });
      }
      // Whose account it is changes nothing of what providers are paid.
      expect(now.ledger.channel(CHANNEL)?.owed).toBe(all.reduce((sum, { cost }) => sum + cost, 0n));
      now.close();
    }),
    { numRuns: 25 },
  );
});

test("a statement's rows add up to what was spent, and each stands on its day", async () => {
  const { ledger, close } = await withChannel(fresh());
  const day = 86_400_000;
  const usage = { promptTokens: 10, cachedTokens: 4, outputTokens: 7 };
  const bought: [number, string, bigint][] = [
    [0, "app", 5n],
    [day - 1, "app", 6n],
    [day, "app", 7n],
    [day, "other", 8n],
  ];
  for (const [index, [at, name, cost]] of bought.entries()) {
    await ledger.start(started(word(index + 10), { at, account: name }));
    await ledger.finish(word(index + 10), finished({ cost: microUsd(cost), usage }));
  }
  await ledger.start(started(word(90), { at: day }));
  await ledger.finish(word(90), finished({ state: "failed" }));
  const rows = ledger.statement({ account: "app", since: 0, until: 2 * day });
  expect(rows).toMatchObject([
    { day: "1970-01-01", requests: 2, promptTokens: 20, cachedTokens: 8, outputTokens: 14, cost: 11n, pass: null },
    { day: "1970-01-02", requests: 1, promptTokens: 10, cost: 7n, provider: config.receiver, model: "words" },
  ]);
  expect(rows.reduce((sum, { cost }) => sum + cost, 0n)).toBe(ledger.account("app").spent);
  expect(ledger.statement({ since: day, until: 2 * day })).toHaveLength(2);
  expect(ledger.statement({ since: 0, until: 0 })).toEqual([]);
  close();
});

test("an answer that was lost with a process is nobody's but the gateway's, also in statements", async () => {
  const { ledger, close } = await withChannel(fresh());
  for (const id of [10, 11]) {
    await ledger.start(started(word(id), {}));
    await ledger.finish(word(id), finished({ cost: microUsd(5n) }));
  }
  await ledger.absorb(word(10));
  await ledger.absorb(word(99));
  const all = { since: 0, until: 1 };
  expect(ledger.account("app").spent).toBe(5n);
  expect(ledger.statement({ ...all, account: "app" })).toMatchObject([{ requests: 1, cost: 5n }]);
  expect(ledger.statement({ ...all, account: LOST_ACCOUNT })).toMatchObject([{ requests: 1, cost: 5n }]);
  close();
});

test("a request is paid once", async () => {
  const { ledger, close } = await withChannel(fresh());
  await ledger.start(started(word(10), {}));
  await ledger.finish(word(10), finished({ cost: microUsd(5n) }));
  await expect(ledger.finish(word(10), finished({ cost: microUsd(5n) }))).rejects.toThrow("not under way");
  expect(ledger.account("app").spent).toBe(5n);
  expect(ledger.channel(CHANNEL)?.owed).toBe(5n);
  close();
});

test("a journal from before there were accounts is taken over with its sums", () => {
  const path = fresh();
  mkdirSync(dirname(path), { recursive: true });
  const old = new DatabaseSync(path);
  old.exec(BUYER_MIGRATIONS[0] ?? "");
  old.exec(`PRAGMA user_version=1;
    INSERT INTO channels (id, provider, config, deposit, owed, open) VALUES
      ('${CHANNEL}', '${config.receiver}', '${JSON.stringify(config)}', 900, 12, 1),
      ('${word(8)}', '${config.receiver}', '${JSON.stringify(config)}', 900, 12, 0)`);
  const receipt = JSON.stringify({ receipt: { promptTokens: 3, cachedTokens: 1, outputTokens: 4 } });
  for (const [id, state, reserved, cost] of [
    [word(10), "done", 0, 12],
    [word(11), "broken", 30, 0],
  ]) {
    old
      .prepare(
        "INSERT INTO requests (id, channel_id, provider, peer_id, model, account, state, reserved, cost, started_at, request, receipt) VALUES (?, ?, '0x03', 'p', 'words', 'app', ?, ?, ?, 0, x'00', ?)",
      )
      .run(id ?? "", CHANNEL, state ?? "", reserved ?? 0, cost ?? 0, receipt);
  }
  old.close();
  const journal = open(path);
  const ledger = createBuyerLedger(journal);
  expect(ledger.account("app")).toEqual({ spent: 12n, reserved: 30n });
  expect(ledger.channels().map(({ state }) => state)).toEqual(["open", "withdrawing"]);
  expect(ledger.statement({ since: 0, until: 1 })).toMatchObject([
    { requests: 1, promptTokens: 3, cachedTokens: 1, outputTokens: 4, cost: 12n },
  ]);
  journal.close();
});
