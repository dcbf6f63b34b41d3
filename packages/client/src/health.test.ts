import { beforeEach, describe, expect, test } from "vitest";
import { createHealth, type Health } from "./health.ts";

let clock = 1_000_000;
let health: Health;

beforeEach(() => {
  clock = 1_000_000;
  health = createHealth(() => clock);
});

describe("circuit", () => {
  test("opens at a failure, lets one request try after a while, and closes at its success", () => {
    health.failed("a", "it hung up");
    expect(health.excluded("a")).toBe("is left out for another 15 s: it hung up");
    clock += 15_000;
    expect(health.excluded("a")).toBeUndefined();
    const leave = health.enter("a");
    expect(health.excluded("a")).toContain("tried by another request");
    health.succeeded("a");
    leave();
    expect(health.excluded("a")).toBeUndefined();
    expect(health.report()).toMatchObject([{ peerId: "a", circuit: "closed", requests: 2, successRate: 0.5 }]);
  });

  test("stays open twice as long after each further failure, at most five minutes", () => {
    const openFor = () => {
      health.failed("a", "no");
      const seconds = Number(/another (\d+) s/.exec(health.excluded("a") ?? "")?.[1]);
      clock += seconds * 1_000;
      return seconds;
    };
    expect([1, 2, 3, 4, 5, 6, 7].map(openFor)).toEqual([15, 30, 60, 120, 240, 300, 300]);
  });

  test("counts requests that fail together once", () => {
    health.failed("a", "no");
    health.failed("a", "no");
    expect(health.excluded("a")).toContain("15 s");
  });

  test("is closed for a peer that came back", () => {
    health.failed("a", "no");
    health.returned("a");
    expect(health.excluded("a")).toBeUndefined();
  });
});

describe("outliers", () => {
  const traffic = (peer: string, failEvery: number) => {
    for (let request = 1; request <= 50; request++) {
      if (request % failEvery === 0) {
        health.failed(peer, "no");
        clock += 600_000;
      } else {
        health.succeeded(peer);
      }
    }
  };

  test("whoever fails far more often than the others is ejected for longer", () => {
    for (const peer of ["a", "b", "c", "d", "e", "f"]) {
      traffic(peer, 50);
    }
    traffic("bad", 2);
    health.failed("bad", "no");
    expect(health.excluded("bad")).toContain("120 s: it answers 48 %");
  });

  test("nobody is ejected where all are alike", () => {
    for (const peer of ["a", "b", "c", "d", "e", "f"]) {
      traffic(peer, 2);
    }
    health.succeeded("a");
    health.failed("a", "no");
    expect(health.excluded("a")).toContain("15 s: no");
  });
});

test("a newcomer gets one request at a time, then twice as many after each answer", () => {
  expect([0, 1, 2, 3, 4].map(() => [health.usableSlots("a", 6), health.succeeded("a")][0])).toEqual([1, 2, 4, 6, 6]);
  health.failed("a", "no");
  expect(health.usableSlots("a", 6)).toBe(1);
});

test("the time to the first token is smoothed, and hedging waits for what is unusual", () => {
  expect(health.latencyMs("a")).toBeUndefined();
  expect(health.hedgeAfterMs("a")).toBe(1_000);
  for (let i = 0; i < 100; i++) {
    health.firstToken("a", 400);
  }
  expect(health.latencyMs("a")).toBeCloseTo(400);
  expect(health.hedgeAfterMs("a")).toBeCloseTo(400, -1);
  health.firstToken("a", 1_200);
  expect(health.latencyMs("a")).toBe(500);
  expect(health.hedgeAfterMs("a")).toBeGreaterThan(1_000);
});
