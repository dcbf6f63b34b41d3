import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openJournal } from "@depinfer/journal";
import { type ChannelConfig, channelId, DepinferError, type Hex, microUsd } from "@depinfer/protocol";
import { expect, test } from "vitest";
import { createClosingClaims } from "./closing-claims.ts";
import { createLedger } from "./ledger.ts";
import { createPayments } from "./payments.ts";
import { PROVIDER_MIGRATIONS } from "./provider-journal.ts";
import { claimAll, MOST_CLAIMS } from "./vouchers-on-chain.ts";

const account = (byte: number): Hex => `0x${byte.toString(16).padStart(2, "0").repeat(20)}`;
const binding = { chainId: 1, verifyingContract: account(9) };
const configOf = (salt: number): ChannelConfig => ({
  payer: account(1),
  payerAuthorizer: account(2),
  receiver: account(3),
  receiverAuthorizer: account(3),
  token: account(4),
  withdrawDelay: 900,
  salt: `0x${salt.toString(16).padStart(64, "0")}`,
});
const idOf = (salt: number) => channelId(configOf(salt), binding);

function freshLedger() {
  const path = join(mkdtempSync(join(tmpdir(), "claims-")), "journal.sqlite");
  return createLedger(openJournal({ path, parts: { provider: PROVIDER_MIGRATIONS } }));
}

/** A chain that knows `count` open channels, and may be away. */
function chainOf(count: number) {
  const settled = new Map<Hex, bigint>(Array.from({ length: count }, (_, salt) => [idOf(salt), 0n]));
  const batches: number[] = [];
  const state = { away: false, reads: 0, withdrawAt: undefined as number | undefined };
  const unlessAway = () => {
    if (state.away) {
      throw new DepinferError({ code: "chain.unreachable", message: "away", remedy: "wait", retryable: true });
    }
  };
  return {
    batches,
    control: state,
    channels: {
      async state(id: Hex) {
        state.reads += 1;
        unlessAway();
        const amount = settled.get(id);
        return amount === undefined
          ? { status: "none" as const, deposit: 0n, settled: 0n, withdrawAt: undefined }
          : { status: "open" as const, deposit: 1_000n, settled: amount, withdrawAt: state.withdrawAt };
      },
      async claimBatch(claims: readonly { readonly config: ChannelConfig; readonly maxClaimableAmount: bigint }[]) {
        batches.push(claims.length);
        unlessAway();
        for (const { config, maxClaimableAmount } of claims) {
          settled.set(channelId(config, binding), maxClaimableAmount);
        }
        return { hash: "0xaa" as const, gasUsed: 1n, blockNumber: 1n, claimed: [], skipped: [] };
      },
    },
  };
}

async function vouchered(ledger: ReturnType<typeof freshLedger>, count: number): Promise<Hex[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, salt) => {
      const config = configOf(salt);
      await ledger.openChannel(idOf(salt), config);
      await ledger.saveVoucher(idOf(salt), { config, maxClaimableAmount: microUsd(7), signature: "0x01" });
      return idOf(salt);
    }),
  );
}

test("claims are made in transactions that fit into a block, each voucher once", async () => {
  const [ledger, chain] = [freshLedger(), chainOf(250)];
  const ids = await vouchered(ledger, 250);
  expect(await claimAll(chain, ledger, ids)).toMatchObject({ claimed: 1_750n, gasUsed: 3n });
  expect(chain.batches).toEqual([MOST_CLAIMS, MOST_CLAIMS, 50]);
  expect(await claimAll(chain, ledger, ids)).toMatchObject({ claimed: 0n, claimTx: null });
  expect(chain.batches).toHaveLength(3);
  expect(ledger.channels().every(({ settled }) => settled === 7n)).toBe(true);
});

test("claiming a closing channel is tried a few times and given up until something happens again", async () => {
  const [ledger, chain] = [freshLedger(), chainOf(1)];
  const [id = idOf(0)] = await vouchered(ledger, 1);
  const lines: string[] = [];
  const closing = createClosingClaims(
    { chain, ledger, log: (_level, message) => lines.push(message) },
    { firstPauseMs: 0 },
  );
  chain.control.away = true;
  closing.claim(id);
  await closing.settled();
  expect(chain.control.reads).toBe(8);
  expect(lines.at(-1)).toContain("given up");
  chain.control.away = false;
  closing.claim(id);
  closing.claim(id);
  await closing.settled();
  expect(chain.batches).toEqual([1]);
  expect(ledger.channel(id)?.settled).toBe(7n);
});

test("while the chain is away a provider serves on what it confirmed, for a bounded time, and then by itself again", async () => {
  const [ledger, chain] = [freshLedger(), chainOf(1)];
  const [id = idOf(0)] = await vouchered(ledger, 1);
  let now = 1_000_000;
  const payments = createPayments(
    { chain, ledger, recoverAddress: () => account(2), now: () => now },
    { provider: account(3), token: account(4), binding, creditWindow: microUsd(10), margin: microUsd(0) },
  );
  const serve = async () => (await payments.reserve(id, microUsd(1)))();
  await serve();
  chain.control.away = true;
  const { reads } = chain.control;
  now += 200_000;
  await serve();
  expect(chain.control.reads).toBe(reads);
  // A quarter of the channel's notice of 900 seconds.
  now += 26_000;
  await expect(serve()).rejects.toMatchObject({ code: "chain.unreachable" });
  await expect(serve()).rejects.toMatchObject({ code: "chain.unreachable" });
  chain.control.away = false;
  await serve();
});

test("a voucher that comes when the payer may have taken the rest is looked up before it is believed", async () => {
  const [ledger, chain] = [freshLedger(), chainOf(1)];
  const now = 5_000_000;
  const claimed: Hex[] = [];
  const payments = createPayments(
    { chain, ledger, recoverAddress: () => account(2), now: () => now, onClosing: (id) => claimed.push(id) },
    { provider: account(3), token: account(4), binding, creditWindow: microUsd(10), margin: microUsd(0) },
  );
  const voucher = (amount: number) => ({
    config: configOf(0),
    maxClaimableAmount: microUsd(amount),
    signature: "0x01" as const,
  });
  chain.control.withdrawAt = 4_999;
  await payments.acceptVoucher(voucher(5));
  const { reads } = chain.control;
  await payments.acceptVoucher(voucher(6));
  expect(chain.control.reads).toBeGreaterThan(reads);
  // It is claimed each time, and nothing is served on the channel.
  expect(claimed.length).toBeGreaterThanOrEqual(2);
  await expect(payments.reserve(idOf(0), microUsd(1))).rejects.toMatchObject({ code: "payment.channelClosing" });
});
