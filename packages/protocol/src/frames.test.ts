import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  DEFAULT_MAX_PAYLOAD_BYTES,
  encodeFrame,
  FRAME_HEADER_BYTES,
  FrameDecoder,
  FrameError,
  FrameType,
  writeFrame,
} from "./frames.ts";

interface Frame {
  readonly id: number;
  readonly type: FrameType;
  readonly payload: Uint8Array;
}

const frames = fc.array(
  fc.record({
    id: fc.integer({ min: 0, max: 0xffff_ffff }),
    type: fc.constantFrom(...Object.values(FrameType)),
    payload: fc.uint8Array({ maxLength: 300 }),
  }),
  { maxLength: 20 },
);

function encodeAll(list: readonly Frame[]): Uint8Array {
  return Buffer.concat(list.map((frame) => encodeFrame(frame.id, frame.type, frame.payload)));
}

/** Feeds `bytes` cut at `cuts` and returns the frames as copies. */
function decode(bytes: Uint8Array, cuts: readonly number[], decoder = new FrameDecoder()): Frame[] {
  const found: Frame[] = [];
  const edges = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  for (let i = 1; i < edges.length; i++) {
    // A chunk of its own memory, overwritten afterwards, shows whether a split frame really was copied.
    const chunk = new Uint8Array(bytes.subarray(edges[i - 1], edges[i]));
    decoder.push(chunk, (id, type, payload) => found.push({ id, type, payload: new Uint8Array(payload) }));
    chunk.fill(0xee);
  }
  return found;
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return error instanceof FrameError ? error.code : `untyped: ${error}`;
  }
  return "no error";
}

describe("encoding a frame", () => {
  it("writes length, request id, type and payload, big-endian", () => {
    const bytes = encodeFrame(0x01020304, FrameType.DATA, Uint8Array.of(0xaa, 0xbb));
    expect(Buffer.from(bytes).toString("hex")).toBe("00000002" + "01020304" + "04" + "aabb");
  });

  it("writes into a shared buffer and returns the end", () => {
    const target = new Uint8Array(40);
    const middle = writeFrame(target, 0, 1, FrameType.PING, Uint8Array.of(7));
    const end = writeFrame(target, middle, 0xffff_ffff, FrameType.END, new Uint8Array(0));
    expect(end).toBe(2 * FRAME_HEADER_BYTES + 1);
    expect(decode(target.subarray(0, end), []).map((frame) => [frame.id, frame.type])).toEqual([
      [1, FrameType.PING],
      [0xffff_ffff, FrameType.END],
    ]);
  });
});

describe("decoding a stream of frames", () => {
  it("finds the same frames however the stream is cut", () => {
    fc.assert(
      fc.property(frames, fc.array(fc.nat(), { maxLength: 60 }), (list, cuts) => {
        const decoder = new FrameDecoder();
        expect(decode(encodeAll(list), cuts, decoder)).toEqual(list);
        decoder.finish();
      }),
      { numRuns: 300 },
    );
  });

  it("finds the same frames byte by byte", () => {
    fc.assert(
      fc.property(frames, (list) => {
        const bytes = encodeAll(list);
        expect(decode(bytes, [...bytes.keys()])).toEqual(list);
      }),
      { numRuns: 50 },
    );
  });

  it("meets random bytes with typed errors only, and stays failed after one", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 }), (chunks) => {
        const decoder = new FrameDecoder({ maxPayloadBytes: 1000 });
        let failure: unknown;
        for (const chunk of chunks) {
          try {
            decoder.push(chunk, () => {});
            expect(failure, "a failed decoder took more bytes").toBeUndefined();
          } catch (error) {
            expect(error).toBeInstanceOf(FrameError);
            failure ??= error;
            expect(error).toBe(failure);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it("hands over a whole frame as a view of the chunk, without a copy", () => {
    const chunk = encodeFrame(5, FrameType.DATA, new Uint8Array(100));
    new FrameDecoder().push(chunk, (_id, _type, payload) => expect(payload.buffer).toBe(chunk.buffer));
  });

  it("takes time linear in the size of a frame that comes in single bytes", () => {
    const bytes = encodeFrame(1, FrameType.DATA, new Uint8Array(DEFAULT_MAX_PAYLOAD_BYTES));
    const decoder = new FrameDecoder();
    let length = 0;
    const started = performance.now();
    for (let i = 0; i < bytes.length; i += 64) {
      decoder.push(bytes.subarray(i, i + 64), (_id, _type, payload) => {
        length = payload.length;
      });
    }
    expect(length).toBe(DEFAULT_MAX_PAYLOAD_BYTES);
    // Concatenating on every chunk would copy 140 GB here.
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it("skips unknown types that have the high bit set, whole or split", () => {
    const known: Frame = { id: 3, type: FrameType.RESULT, payload: Uint8Array.of(1, 2) };
    const bytes = Buffer.concat([encodeFrame(1, 0x80, new Uint8Array(50)), encodeAll([known]), encodeFrame(1, 0xff)]);
    expect(decode(bytes, [])).toEqual([known]);
    expect(decode(bytes, [...bytes.keys()])).toEqual([known]);
  });

  it.each([0, 16, 0x7f])("refuses unknown type %i after handing over what came before it", (type) => {
    const decoder = new FrameDecoder();
    const seen: number[] = [];
    const bytes = Buffer.concat([encodeFrame(7, FrameType.PING), encodeFrame(8, type)]);
    expect(codeOf(() => decoder.push(bytes, (id) => seen.push(id)))).toBe("frame.unknownType");
    expect(seen).toEqual([7]);
  });

  it("refuses a payload above the maximum from its header alone", () => {
    const header = encodeFrame(1, FrameType.DATA, new Uint8Array(11)).subarray(0, FRAME_HEADER_BYTES);
    expect(codeOf(() => decode(header, [], new FrameDecoder({ maxPayloadBytes: 10 })))).toBe("frame.tooLarge");
    expect(codeOf(() => decode(header, [], new FrameDecoder({ maxPayloadBytes: 11 })))).toBe("no error");
  });

  it("tells a stream that ended inside a frame from one that ended between frames", () => {
    const bytes = encodeFrame(1, FrameType.DATA, Uint8Array.of(1, 2, 3));
    for (let length = 0; length <= bytes.length; length++) {
      const decoder = new FrameDecoder();
      decode(bytes.subarray(0, length), [], decoder);
      const whole = length === 0 || length === bytes.length;
      expect(
        codeOf(() => decoder.finish()),
        `after ${length} bytes`,
      ).toBe(whole ? "no error" : "frame.truncated");
    }
  });
});
