import { type Hex, microUsd } from "@depinfer/protocol";
import { array, assert, asyncProperty, boolean, integer, tuple } from "fast-check";
import { expect, test } from "vitest";
import { createCommitments } from "./commitments.ts";

const payer: Hex = `0x${"0a".repeat(20)}`;

test("what is promised at once never exceeds the balance, in any order of taking and giving back", async () => {
  await assert(
    asyncProperty(
      integer({ min: 0, max: 100 }),
      array(tuple(integer({ min: 0, max: 60 }), boolean()), { maxLength: 40 }),
      async (balance, steps) => {
        const { hold } = createCommitments(async () => BigInt(balance), microUsd(0));
        const held: { amount: number; release: () => void }[] = [];
        for (const [amount, back] of steps) {
          if (back) {
            const first = held.shift();
            first?.release();
            first?.release();
            continue;
          }
          await hold(payer, BigInt(amount)).then(
            (release) => held.push({ amount, release }),
            () => undefined,
          );
          expect(held.reduce((sum, one) => sum + one.amount, 0)).toBeLessThanOrEqual(balance);
        }
        for (const { release } of held) {
          release();
        }
        // Everything was given back: the whole balance can be promised again.
        await expect(hold(payer, BigInt(balance))).resolves.toBeTypeOf("function");
      },
    ),
    { numRuns: 500 },
  );
});

test("of several at once those that came first count", async () => {
  const { hold } = createCommitments(async () => 100n, microUsd(0));
  const results = await Promise.allSettled([hold(payer, 60n), hold(payer, 60n), hold(payer, 60n)]);
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected"]);
});

test("nothing is held when the balance cannot be read", async () => {
  let away = true;
  const { hold } = createCommitments(async () => (away ? Promise.reject(new Error("away")) : 10n), microUsd(0));
  await expect(hold(payer, 10n)).rejects.toThrow("away");
  away = false;
  await expect(hold(payer, 10n)).resolves.toBeTypeOf("function");
});

test("selling pauses when too much was lost within an hour, and goes on after it", () => {
  let clock = 0;
  const commitments = createCommitments(
    async () => 0n,
    microUsd(10),
    () => clock,
  );
  commitments.lost(microUsd(10));
  commitments.check();
  clock = 1_000;
  commitments.lost(microUsd(1));
  expect(() => commitments.check()).toThrow(expect.objectContaining({ code: "payment.paused" }));
  clock = 3_600_001;
  commitments.check();
});
