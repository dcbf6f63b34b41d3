import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { eventStream } from "./event-stream.ts";
import type { Reply } from "./reply.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function client() {
  const written: string[] = [];
  let release: (() => void) | null = null;
  const state = { closed: false, slow: false };
  const reply: Reply = {
    get begun() {
      return written.length > 0;
    },
    get closed() {
      return state.closed;
    },
    begin: () => undefined,
    write(text) {
      written.push(text);
      return state.slow
        ? new Promise((resolve) => {
            release = resolve;
          })
        : undefined;
    },
    async end(text) {
      written.push(text);
    },
    breakOff: (text) => void written.push(text),
  };
  return { reply, written, state, release: () => release?.() };
}

test("a silence is broken every fifteen seconds, until the end", async () => {
  const { reply, written } = client();
  const stream = eventStream(reply, { beat: ": beat\n\n" });
  stream.begin({});
  stream.write("one");
  vi.advanceTimersByTime(14_000);
  stream.write("two");
  vi.advanceTimersByTime(14_000);
  expect(written).toEqual(["one", "two"]);
  vi.advanceTimersByTime(31_000);
  expect(written).toEqual(["one", "two", ": beat\n\n", ": beat\n\n", ": beat\n\n"]);
  await stream.end("end");
  vi.advanceTimersByTime(60_000);
  expect(written.at(-1)).toBe("end");
  expect(vi.getTimerCount()).toBe(0);
});

test("a client that does not read, or is gone, is sent no beats", async () => {
  const { reply, written, state, release } = client();
  const stream = eventStream(reply, { beat: ": beat\n\n" });
  stream.begin({});
  state.slow = true;
  const full = stream.write("much");
  vi.advanceTimersByTime(120_000);
  expect(written).toEqual(["much"]);
  state.slow = false;
  release();
  await full;
  vi.advanceTimersByTime(15_000);
  expect(written).toHaveLength(2);
  state.closed = true;
  vi.advanceTimersByTime(60_000);
  expect(written).toHaveLength(2);
  expect(vi.getTimerCount()).toBe(0);
});

test("what does not begin within fifteen seconds is opened, once", () => {
  const { reply } = client();
  const stream = eventStream(reply, { beat: "" });
  let opened = 0;
  stream.onSilence(() => {
    opened += 1;
    stream.begin({});
  });
  stream.onSilence(() => {
    opened += 1;
  });
  vi.advanceTimersByTime(15_000);
  expect(opened).toBe(1);
  stream.stop();
  expect(vi.getTimerCount()).toBe(0);
});
