import { setImmediate as turn } from "node:timers/promises";
import type { DepinferError } from "@depinfer/protocol";
import { describe, expect, it } from "vitest";
import { linkClosed } from "./errors.ts";
import { createKeeper } from "./keeper.ts";
import { createManualClock } from "./testing/clock.ts";

/** A keeper whose dials succeed or fail as the test says. */
function scene() {
  const clock = createManualClock();
  const dialledAt: number[] = [];
  const started = clock.now();
  let reachable = false;
  let lose: ((reason: DepinferError) => void) | undefined;
  const keeper = createKeeper({
    clock,
    random: () => 1,
    isSelf: (target) => target === "/self",
    async dial() {
      dialledAt.push(clock.now() - started);
      if (!reachable) {
        throw new Error("nobody there");
      }
      return {
        onClose(handler) {
          lose = handler;
          return () => {};
        },
      };
    },
  });
  return {
    clock,
    keeper,
    dialledAt,
    setReachable: (value: boolean) => {
      reachable = value;
    },
    lose: () => lose?.(linkClosed("peer", "gone")),
    async advance(ms: number) {
      await turn();
      for (let passed = 0; passed < ms; passed += 50) {
        clock.advance(50);
        await turn();
      }
    },
  };
}

describe("a kept peer", () => {
  it("is dialled at once and then with pauses that double up to half a minute", async () => {
    const { keeper, dialledAt, advance } = scene();
    keeper.keep("/peer");
    await advance(100_000);
    const pauses = dialledAt.slice(1).map((at, i) => at - (dialledAt[i] ?? 0));
    expect(dialledAt[0]).toBe(0);
    expect(pauses).toEqual([250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    expect(keeper.state()).toMatchObject([{ state: "waiting", lastError: "nobody there" }]);
  });

  it("is dialled soon again after a long link and later after short ones", async () => {
    const { keeper, dialledAt, advance, lose, setReachable } = scene();
    setReachable(true);
    keeper.keep("/peer");
    await advance(50);
    expect(keeper.state()).toMatchObject([{ state: "linked", failures: 0 }]);
    for (let i = 0; i < 4; i++) {
      lose();
      await advance(5000);
    }
    expect(dialledAt.length).toBe(5);
    expect(keeper.state()).toMatchObject([{ state: "linked", failures: 4 }]);
    await advance(20_000);
    lose();
    const before = dialledAt.length;
    await advance(300);
    expect(dialledAt.length).toBe(before + 1);
  });

  it("is left alone when it is this node, when it is dropped, and after the stop", async () => {
    const { keeper, dialledAt, advance, clock } = scene();
    keeper.keep("/self");
    const drop = keeper.keep("/peer");
    await advance(100);
    drop();
    keeper.keep("/other");
    await advance(100);
    keeper.stop();
    await advance(60_000);
    expect(dialledAt.length).toBe(2);
    expect(keeper.state()).toEqual([]);
    expect(clock.timers).toBe(0);
  });
});
