import { errorCode } from "@depinfer/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { eventData } from "./event-stream.ts";

async function* arriving(...pieces: readonly Uint8Array[]) {
  yield* pieces;
}

const bytes = (text: string) => new TextEncoder().encode(text);

async function read(chunks: AsyncIterable<Uint8Array>, mostLine?: number): Promise<string[]> {
  const found: string[] = [];
  for await (const data of eventData(chunks, mostLine)) {
    found.push(data);
  }
  return found;
}

test("events are the same however their bytes are cut", async () => {
  const line = fc.constantFrom("data: 日本🦊", "data:{}", ": beat", "event: x", "", "data: ", "nonsense");
  const end = fc.constantFrom("\n", "\r\n", "\r");
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(line, end), { maxLength: 12 }), fc.array(fc.nat(200)), async (lines, cuts) => {
      const whole = bytes(lines.flat().join(""));
      const places = [0, ...cuts.map((cut) => Math.min(cut, whole.length)).toSorted((a, b) => a - b), whole.length];
      const pieces = places.slice(1).map((place, index) => whole.subarray(places[index], place));
      const expected = lines.flatMap(([text]) => (text.startsWith("data:") ? [text.slice(5).trimStart()] : []));
      expect(await read(arriving(...pieces))).toEqual(expected);
      const single = [...whole].map((byte) => Uint8Array.of(byte));
      expect(await read(arriving(...single))).toEqual(expected);
    }),
    { numRuns: 500 },
  );
});

test("a line that never ends is refused as soon as it is too long", async () => {
  let sent = 0;
  async function* endless() {
    for (; sent < 1_000; sent++) {
      yield bytes("data: aaaa");
    }
  }
  await expect(read(endless(), 100)).rejects.toSatisfy((error) => errorCode(error) === "upstream.malformed");
  expect(sent).toBe(10);
  await expect(read(arriving(bytes(`data: ${"a".repeat(200)}\n`)), 100)).rejects.toSatisfy(
    (error) => errorCode(error) === "upstream.malformed",
  );
  expect(await read(arriving(bytes(`data: ${"a".repeat(90)}\n`)), 100)).toEqual(["a".repeat(90)]);
});
