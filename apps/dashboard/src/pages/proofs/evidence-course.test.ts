import { SHIPPED_CALIBRATIONS } from "@depinfer/proof";
import type { AuditEvent, Hex } from "@depinfer/protocol";
import { expect, test } from "vitest";
import { courseOf } from "./evidence-course.ts";

const provider: Hex = `0x${"11".repeat(20)}`;
const validator: Hex = `0x${"22".repeat(20)}`;
const classId = SHIPPED_CALIBRATIONS[0]?.classId ?? expect.unreachable();

/** Audits of one provider, every receipt of it, by the one validator that there is. */
function audited(mismatches: readonly number[]): readonly AuditEvent[] {
  return [
    { kind: "provider", block: 1, provider },
    { kind: "joined", block: 2, validator, classIds: [classId] },
    { kind: "root", block: 3, provider, epoch: 1, count: mismatches.length },
    { kind: "beacon", block: 5, provider, epoch: 1, beacon: `0x${"33".repeat(32)}`, targetBlock: 4 },
    ...mismatches.map((amount, index) => ({
      kind: "attested" as const,
      block: 10 + index,
      validator,
      provider,
      epoch: 1,
      digest: `0x${index.toString(16).padStart(64, "0")}` as const,
      classId,
      verdict: amount > 0 ? ("fail" as const) : ("pass" as const),
      tokens: 40,
      mismatches: amount,
      marginMicros: amount * 500_000,
    })),
  ];
}

function course(events: readonly unknown[]) {
  return courseOf({
    provider,
    block: 100,
    auditRate: 1,
    events: events.map((event, index) => ({ at: index * 1_000, event })),
  });
}

test("an honest provider's evidence falls, and clears it after some verdicts", () => {
  const { classes, uncounted, unknown } = course(audited([0, 0, 0, 0, 0]));
  const [one] = classes;
  expect(one?.points.map(({ verdicts, tokens }) => [verdicts, tokens])).toEqual([
    [1, 40],
    [2, 80],
    [3, 120],
    [4, 160],
    [5, 200],
  ]);
  expect(one?.points.every(({ logEvidence }) => logEvidence !== null && logEvidence <= 0)).toBe(true);
  expect(one?.points.at(-1)?.logCleared ?? 0).toBeGreaterThan(one?.passAt ?? Number.POSITIVE_INFINITY);
  expect([one?.outcome, unknown, Object.values(uncounted).every((amount) => amount === 0)]).toEqual(["pass", 0, true]);
});

test("a cheat crosses the line, and what comes later does not take it back", () => {
  const [one] = course(audited([5, 6, 0, 0, 0])).classes;
  const crossed = one?.points.findIndex(({ logEvidence }) => (logEvidence ?? 0) >= (one.failAt ?? Infinity)) ?? -1;
  expect(crossed).toBeGreaterThanOrEqual(0);
  expect(one?.outcome).toBe("fail");
});

test("what has no effect and what is in no known form is counted beside the course", () => {
  const events = audited([0, 0]);
  const { classes, uncounted, unknown } = course([...events, events.at(-1), { kind: "<script>" }, null]);
  expect(classes[0]?.points.length).toBe(2);
  expect([uncounted.again, unknown]).toEqual([1, 2]);
});
