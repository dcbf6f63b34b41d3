import { decodeMessage, FrameType, type Hex, microUsd, signedVoucherSchema } from "@depinfer/protocol";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { BuyerChannel } from "./buyer-rows.ts";
import { createVoucherSender, type VoucherLink } from "./voucher-sender.ts";

/* What is signed is on disk first, and no more is signed than is needed. The disk here is one whose syncs the test ends. */

const account: Hex = `0x${"a".repeat(40)}`;
const ID: Hex = `0x${"1".repeat(64)}`;
const EVERY_MS = 200;

let owed = 0n;
let syncs: (() => void)[] = [];
let sent: bigint[] = [];
let signed = 0;
const problems: string[] = [];

function channel(): BuyerChannel {
  return {
    id: ID,
    provider: account,
    config: {
      payer: account,
      payerAuthorizer: account,
      receiver: account,
      receiverAuthorizer: account,
      token: account,
      withdrawDelay: 60,
      salt: ID,
    },
    state: "open",
    deposit: microUsd(1_000_000n),
    owed: microUsd(owed),
    settled: microUsd(0n),
    withdrawAt: null,
    leaving: false,
    pass: null,
  };
}

function openLink(): VoucherLink & { closed: boolean } {
  return {
    closed: false,
    sendControl(type, payload) {
      expect(type).toBe(FrameType.VOUCHER);
      sent.push(decodeMessage(signedVoucherSchema, payload ?? new Uint8Array(), "VOUCHER").maxClaimableAmount);
      return true;
    },
  };
}

function createSender() {
  return createVoucherSender(
    {
      ledger: {
        channel: () => channel(),
        settled: () => new Promise((resolve) => syncs.push(resolve)),
      },
      sign() {
        signed += 1;
        return `0x${"00".repeat(65)}`;
      },
      log: (_level, message) => problems.push(message),
    },
    { voucherEveryUnits: microUsd(1_000n), voucherEveryMs: EVERY_MS },
  );
}

/** The disk has everything that was written so far. */
async function synced(): Promise<void> {
  for (const end of syncs.splice(0)) {
    end();
  }
  await vi.advanceTimersByTimeAsync(0);
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setImmediate"] });
  [owed, syncs, sent, signed] = [0n, [], [], 0];
});
afterEach(() => {
  vi.useRealTimers();
  expect(problems).toEqual([]);
});

test("nothing is signed before the disk has what it is for", async () => {
  const [sender, link] = [createSender(), openLink()];
  owed = 5_000n;
  sender.afterAnswer(link, ID);
  await vi.advanceTimersByTimeAsync(10 * EVERY_MS);
  expect(signed).toBe(0);
  await synced();
  expect(sent).toEqual([5_000n]);
});

test("showing a voucher after a reconnection waits for the disk too", async () => {
  const [sender, link] = [createSender(), openLink()];
  owed = 70n;
  const shown = sender.show(link, ID);
  await vi.advanceTimersByTimeAsync(EVERY_MS);
  expect(sent).toEqual([]);
  await synced();
  await shown;
  expect(sent).toEqual([70n]);
});

test("many small answers share one signature", async () => {
  const [sender, link] = [createSender(), openLink()];
  for (let answer = 0; answer < 50; answer++) {
    owed += 10n;
    sender.afterAnswer(link, ID);
  }
  await vi.advanceTimersByTimeAsync(EVERY_MS);
  await synced();
  expect(sent).toEqual([500n]);
  expect(signed).toBe(1);
});

test("a window's worth is not waited with", async () => {
  const [sender, link] = [createSender(), openLink()];
  owed = 1_000n;
  sender.afterAnswer(link, ID);
  await vi.advanceTimersByTimeAsync(1);
  await synced();
  expect(sent).toEqual([1_000n]);
});

test("a provider that refused a voucher gets one for each answer", async () => {
  const [sender, link] = [createSender(), openLink()];
  sender.refused(link, ID);
  for (const total of [1n, 2n, 3n]) {
    owed = total;
    sender.afterAnswer(link, ID);
    await vi.advanceTimersByTimeAsync(1);
    await synced();
  }
  expect(sent).toEqual([1n, 2n, 3n]);
});

test("a link that closed is sent nothing; the next one is shown all of it", async () => {
  const [sender, link] = [createSender(), openLink()];
  owed = 40n;
  sender.afterAnswer(link, ID);
  link.closed = true;
  await vi.advanceTimersByTimeAsync(EVERY_MS);
  await synced();
  expect(sent).toEqual([]);
  const next = openLink();
  sender.beforeRequest(next, channel());
  expect(sent).toEqual([40n]);
});
