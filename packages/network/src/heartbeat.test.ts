import { FrameType } from "@depinfer/protocol";
import { describe, expect, it } from "vitest";
import { Heartbeat } from "./heartbeat.ts";
import { createManualClock } from "./testing/clock.ts";

function scene() {
  const clock = createManualClock();
  const pings: Uint8Array[] = [];
  const deaths: number[] = [];
  const heartbeat = new Heartbeat(
    {
      clock,
      send: (type, payload) => void (type === FrameType.PING && pings.push(payload)),
      onBeat: () => {},
      onDead: (beats) => void deaths.push(beats),
    },
    { intervalMs: 1000, maxSilentBeats: 3 },
  );
  heartbeat.start();
  return { clock, heartbeat, pings, deaths };
}

describe("the heartbeat", () => {
  it("declares a peer dead after three silent beats, once", () => {
    const { clock, deaths } = scene();
    clock.advance(3999);
    expect(deaths).toEqual([]);
    clock.advance(1);
    expect(deaths).toEqual([3]);
    clock.advance(60_000);
    expect(deaths).toEqual([3]);
    expect(clock.timers).toBe(0);
  });

  it("takes any sign of life for life", () => {
    const { clock, deaths, heartbeat } = scene();
    for (let i = 0; i < 20; i++) {
      clock.advance(2500);
      heartbeat.heard();
    }
    expect(deaths).toEqual([]);
    heartbeat.stop();
    expect(clock.timers).toBe(0);
  });

  it("measures the round trip from echoes of its own pings and from nothing else", () => {
    const { heartbeat, pings } = scene();
    heartbeat.pong(new Uint8Array(3));
    heartbeat.pong(new Uint8Array(8).fill(0xff));
    expect(heartbeat.rttMs).toBeUndefined();
    heartbeat.pong(pings[0] ?? new Uint8Array(0));
    expect(heartbeat.rttMs).toBeGreaterThanOrEqual(0);
    expect(heartbeat.rttMs).toBeLessThan(1000);
  });
});
