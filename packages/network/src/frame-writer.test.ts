import { setImmediate as turn } from "node:timers/promises";
import { FrameDecoder, FrameType } from "@depinfer/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ByteSink, FrameWriter } from "./frame-writer.ts";

/** A stream that is full when the test says so. */
function sink() {
  const writes: Uint8Array[] = [];
  let drain = (): void => {};
  const stream = {
    writes,
    full: false,
    get writableNeedsDrain() {
      return this.full;
    },
    writeBufferLength: 0,
    send(bytes: Uint8Array) {
      writes.push(bytes);
      return !this.full;
    },
    addEventListener(_type: "drain", listener: () => void) {
      drain = listener;
    },
    drain() {
      this.full = false;
      drain();
    },
    frames() {
      const found: string[] = [];
      const decoder = new FrameDecoder();
      for (const bytes of writes) {
        decoder.push(bytes, (id, type, payload) => found.push(`${id}/${type}/${payload.length}/${payload[0] ?? "-"}`));
      }
      decoder.finish();
      return found;
    },
  };
  return stream satisfies ByteSink;
}

describe("the frame writer", () => {
  it("writes all small frames of one tick at once", async () => {
    const stream = sink();
    const writer = new FrameWriter(stream, () => {});
    for (let i = 1; i <= 50; i++) {
      writer.write(i, FrameType.DATA, Uint8Array.of(i));
    }
    expect(stream.writes).toEqual([]);
    await turn();
    expect(stream.writes.length).toBe(1);
    expect(stream.frames().length).toBe(50);
    writer.write(1, FrameType.END, new Uint8Array(0));
    await turn();
    expect(stream.writes.length).toBe(2);
  });

  it("keeps every frame and the order, whatever the sizes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(100_000), { maxLength: 30 }), async (sizes) => {
        const stream = sink();
        const writer = new FrameWriter(stream, () => {});
        for (const [i, size] of sizes.entries()) {
          const payload = new Uint8Array(size).fill(i + 1);
          writer.write(i, FrameType.DATA, payload);
          payload.fill(0); // The writer copied it.
          if (i % 7 === 6) {
            await turn();
          }
        }
        await turn();
        expect(stream.frames()).toEqual(
          sizes.map((size, i) => `${i}/${FrameType.DATA}/${size}/${size > 0 ? i + 1 : "-"}`),
        );
      }),
      { numRuns: 50 },
    );
  });

  it("holds frames while the stream is full and tells producers when there is room", async () => {
    const stream = sink();
    let rooms = 0;
    const writer = new FrameWriter(stream, () => {
      rooms++;
    });
    stream.full = true;
    expect(writer.write(1, FrameType.DATA, new Uint8Array(1000))).toBe(true);
    expect(writer.write(1, FrameType.DATA, new Uint8Array(2_000_000))).toBe(false);
    await turn();
    expect(stream.writes).toEqual([]);
    expect(writer.bufferedBytes).toBe(2_001_018);
    stream.drain();
    expect(stream.frames().length).toBe(2);
    expect(rooms).toBe(1);
    expect(writer.bufferedBytes).toBe(0);
  });

  it("writes nothing after it was stopped", async () => {
    const stream = sink();
    const writer = new FrameWriter(stream, () => {});
    writer.write(1, FrameType.DATA, new Uint8Array(10));
    writer.stop();
    expect(writer.write(1, FrameType.DATA, new Uint8Array(10))).toBe(false);
    await turn();
    expect(stream.writes).toEqual([]);
  });
});
