import { readFileSync } from "node:fs";
import { type Hex, keccak, toHex, uintBytes, utf8 } from "@depinfer/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { drawMembers } from "./draw.ts";
import { AUDIT_SCHEDULE, auditDraw, auditRate, isSelected } from "./selection.ts";

const word = (label: string): Hex => toHex(keccak(utf8(label)));
const address = (index: number): Hex => `0x${toHex(keccak(uintBytes(index, 4))).slice(26)}`;
const members = Array.from({ length: 12 }, (_, index) => address(index));
const beacon = word("beacon");

/** Chi-square statistic of counts against equal expectations. */
function chiSquare(counts: readonly number[]): number {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

describe("a draw of members", () => {
  test("is that of the vectors", () => {
    const { draws } = JSON.parse(
      readFileSync(new URL("../../../specs/vectors/audit-draw.json", import.meta.url), "utf8"),
    );
    expect(draws.length).toBeGreaterThan(0);
    for (const { beacon: from, subject, members: among, drawn } of draws) {
      expect(drawMembers(from, subject, among, among.length)).toEqual(drawn);
    }
  });

  test("does not depend on order, letter case or repetition", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(members, { minLength: 1 }), fc.nat({ max: 13 }), (shuffled, k) => {
        const drawn = drawMembers(beacon, word("a"), [...shuffled].sort(), k);
        expect(drawMembers(beacon, word("a"), shuffled, k)).toEqual(drawn);
        const shouted = shuffled.map((member): Hex => `0x${member.slice(2).toUpperCase()}`);
        expect(drawMembers(beacon, word("a"), [...shouted, ...shuffled], k)).toEqual(drawn);
        expect(drawn).toHaveLength(Math.min(k, shuffled.length));
      }),
    );
  });

  test("changes only behind a member that leaves", () => {
    const all = drawMembers(beacon, word("b"), members, members.length);
    for (const gone of members) {
      const rest = members.filter((member) => member !== gone);
      expect(drawMembers(beacon, word("b"), rest, rest.length)).toEqual(all.filter((member) => member !== gone));
    }
  });

  test("gives every member the same chance, in every place", () => {
    const first = new Map<Hex, number>();
    const among3 = new Map<Hex, number>();
    for (let i = 0; i < 6_000; i++) {
      const drawn = drawMembers(beacon, word(`subject ${i}`), members, 3);
      const [winner = beacon] = drawn;
      first.set(winner, (first.get(winner) ?? 0) + 1);
      for (const member of drawn) {
        among3.set(member, (among3.get(member) ?? 0) + 1);
      }
    }
    // 31.26 is the 0.1 % point of chi-square with 11 degrees of freedom.
    expect(chiSquare(members.map((member) => first.get(member) ?? 0))).toBeLessThan(31.26);
    expect(chiSquare(members.map((member) => among3.get(member) ?? 0))).toBeLessThan(31.26);
  });

  test("refuses what is no draw", () => {
    expect(() => drawMembers("0x12", word("a"), members, 1)).toThrow("Expected 32 bytes");
    expect(() => drawMembers(beacon, word("a"), ["0x12"], 1)).toThrow("Expected 20 bytes");
    expect(() => drawMembers(beacon, word("a"), members, -1)).toThrow(RangeError);
    expect(() => drawMembers(beacon, word("a"), members, 0.5)).toThrow(RangeError);
  });
});

describe("a receipt", () => {
  test("is selected as in the vectors", () => {
    const { selections } = JSON.parse(
      readFileSync(new URL("../../../specs/vectors/audit-draw.json", import.meta.url), "utf8"),
    );
    expect(selections.length).toBeGreaterThan(0);
    for (const { beacon: from, digest, draw, count, rate, selected } of selections) {
      expect(auditDraw(from, digest)).toBe(draw);
      expect(isSelected(from, digest, { count, rate })).toBe(selected);
    }
  });

  test("is selected with the wanted probability, and its draws are uniform", () => {
    const draws = Array.from({ length: 20_000 }, (_, index) => auditDraw(beacon, word(`receipt ${index}`)));
    const cells = Array.from({ length: 12 }, () => 0);
    for (const draw of draws) {
      const cell = Math.floor(draw * cells.length);
      cells[cell] = (cells[cell] ?? 0) + 1;
    }
    expect(chiSquare(cells)).toBeLessThan(31.26);
    const selected = draws.filter((_, index) =>
      isSelected(beacon, word(`receipt ${index}`), { count: 20_000, rate: 0.02 }),
    );
    // 400 expected, standard deviation 20.
    expect(selected.length).toBeGreaterThan(320);
    expect(selected.length).toBeLessThan(480);
  });

  test("that is alone in its epoch is always selected", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        expect(isSelected(beacon, toHex(bytes), { count: 1, rate: 0 })).toBe(true);
      }),
    );
  });
});

test("the share that is audited halves after 200 passes and stops at the floor", () => {
  expect(auditRate(0)).toBe(0.2);
  expect(auditRate(200)).toBe(0.1);
  expect(auditRate(1_800)).toBeCloseTo(0.02);
  expect(auditRate(1e9)).toBe(AUDIT_SCHEDULE.floor);
  expect(auditRate(50, { newcomer: 1, floor: 1, halving: 200 })).toBe(1);
});
