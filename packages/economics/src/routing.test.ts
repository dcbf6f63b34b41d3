import { expect, test } from "vitest";
import { chooseSlot } from "./index.ts";

/** Mulberry32, so that a failure can be repeated. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

test("no candidate and no slots give nothing", () => {
  expect(chooseSlot([], seeded(1))).toBeUndefined();
  expect(chooseSlot([{ slots: 0, inFlight: 0 }], seeded(1))).toBeUndefined();
});

test("work goes to providers in proportion to their slots", () => {
  const random = seeded(7);
  const candidates = [
    { name: "one", slots: 1, inFlight: 0 },
    { name: "three", slots: 3, inFlight: 0 },
  ];
  const draws = Array.from({ length: 20_000 }, () => chooseSlot(candidates, random)?.name);
  const share = draws.filter((name) => name === "three").length / draws.length;
  expect(share).toBeGreaterThan(0.735);
  expect(share).toBeLessThan(0.765);
});

test("splitting an owner leaves the trace of slots as it was", () => {
  const whole = [
    { owner: "whale", slots: 4, inFlight: 0 },
    { owner: "other", slots: 2, inFlight: 0 },
  ];
  const split = [
    { owner: "whale", slots: 1, inFlight: 0 },
    { owner: "whale", slots: 2, inFlight: 0 },
    { owner: "whale", slots: 1, inFlight: 0 },
    { owner: "other", slots: 2, inFlight: 0 },
  ];
  const trace = (candidates: typeof whole) => {
    const random = seeded(42);
    return Array.from({ length: 5_000 }, () => chooseSlot(candidates, random)?.owner);
  };
  expect(trace(split)).toEqual(trace(whole));
});

test("of two drawn slots the less loaded one works", () => {
  const busy = { name: "busy", slots: 1, inFlight: 5 };
  const idle = { name: "idle", slots: 1, inFlight: 0 };
  const random = seeded(3);
  const draws = Array.from({ length: 10_000 }, () => chooseSlot([busy, idle], random)?.name);
  const share = draws.filter((name) => name === "busy").length / draws.length;
  expect(share).toBeGreaterThan(0.23);
  expect(share).toBeLessThan(0.27);
});
