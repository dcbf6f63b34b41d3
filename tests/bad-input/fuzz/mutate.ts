/*
 * Makes bad input out of good: bytes are flipped, cut, repeated and spliced; and where the input is JSON, values are swapped
 * for others of every kind, members are renamed, doubled and removed. Seeded, so that what failed can be made again.
 */

/** A source of numbers in [0, 1) that its seed decides (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const ODD: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e308,
  -0,
  2 ** 53,
  Number.MAX_SAFE_INTEGER,
  "",
  "\u0000",
  "\ud800",
  "😀".repeat(50),
  "x".repeat(5_000),
  [],
  [[]],
  {},
  { a: { b: { c: {} } } },
  "__proto__",
  "1e400",
];
const NAMES = [
  "__proto__",
  "constructor",
  "model",
  "messages",
  "stream",
  "stop",
  "x",
  "",
  "tools",
  "n",
  "type",
  "content",
];
const BYTES = [0x00, 0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d, 0x2c, 0x3a, 0x0a, 0x0d, 0xc3, 0xff, 0xf0, 0x9f, 0xed];

type Random = () => number;
const pick = <Item>(items: readonly Item[], random: Random): Item | undefined =>
  items[Math.floor(random() * items.length)];
const at = (length: number, random: Random) => Math.floor(random() * (length + 1));

function changeBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const start = at(bytes.length, random);
  const end = Math.min(bytes.length, start + at(12, random));
  const [head, cut, tail] = [bytes.subarray(0, start), bytes.subarray(start, end), bytes.subarray(end)];
  switch (Math.floor(random() * 5)) {
    case 0:
      return Buffer.concat([head, tail]);
    case 1:
      return Buffer.concat([head, Buffer.from([pick(BYTES, random) ?? 0]), tail]);
    case 2:
      return Buffer.concat([head, cut, cut, cut, tail]);
    case 3:
      return head;
    default: {
      const changed = Buffer.from(bytes);
      for (let index = start; index < end; index++) {
        changed[index] = Math.floor(random() * 256);
      }
      return changed;
    }
  }
}

/** Replaces something inside of a value. */
function changeValue(value: unknown, random: Random): unknown {
  if (random() < 0.15 || typeof value !== "object" || value === null) {
    return pick(ODD, random);
  }
  if (Array.isArray(value)) {
    const index = at(value.length, random);
    return random() < 0.2
      ? [...value, ...value.slice(0, 3)]
      : value.flatMap((item, place) => (place !== index ? [item] : random() < 0.3 ? [] : [changeValue(item, random)]));
  }
  const entries = Object.entries(value);
  const index = at(entries.length, random);
  const changed = entries.flatMap(([name, item], place): (readonly [string, unknown])[] => {
    if (place !== index) {
      return [[name, item]];
    }
    const choice = random();
    if (choice < 0.15) {
      return [];
    }
    return choice < 0.3 ? [[pick(NAMES, random) ?? "x", item]] : [[name, changeValue(item, random)]];
  });
  return Object.fromEntries(
    index === entries.length ? [...changed, [pick(NAMES, random) ?? "x", pick(ODD, random)]] : changed,
  );
}

/** A bad relative of one of the good inputs. */
export function mutate(good: readonly Uint8Array[], random: Random): Uint8Array {
  const chosen = pick(good, random) ?? new Uint8Array();
  let bytes = chosen;
  if (random() < 0.6) {
    try {
      bytes = Buffer.from(JSON.stringify(changeValue(JSON.parse(Buffer.from(chosen).toString()), random)) ?? "");
    } catch {
      // Not every input is JSON.
    }
  }
  for (let changes = random() < 0.5 ? at(3, random) : 0; changes > 0; changes--) {
    bytes = changeBytes(bytes, random);
  }
  return bytes;
}
