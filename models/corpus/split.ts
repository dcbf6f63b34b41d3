/**
 * What training may see. Every phrasing and every word of the closed tasks belongs to one of three splits: `train`, `dev` (for
 * choices made while building) and `test` (scored once, for the model card).
 */
export type Split = "train" | "dev" | "test";

/** Lower case, letters and digits only: two phrasings that differ in nothing else belong together. */
export const normalise = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}{}]+/gu, " ")
    .trim();

/** FNV-1a over UTF-16 units, 32 bits. */
function hash(text: string): number {
  let state = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193) >>> 0;
  // The last bits of FNV depend on few bits of the input; fold the upper half in.
  return (state ^ (state >>> 15)) >>> 0;
}

/** What everybody types first belongs to training, wherever its hash would put it. */
const everyday = new Set(
  ["Hello", "What is your name?", "What is this?", "What is {a} + {b}?", "How do I verify a receipt?"].map(normalise),
);

/** The split of a phrasing, by its normalised text: 8 in 10 for training, 1 for dev, 1 for test. */
export function splitOf(text: string): Split {
  const plain = normalise(text);
  const slot = everyday.has(plain) ? 2 : hash(plain) % 10;
  return slot === 0 ? "dev" : slot === 1 ? "test" : "train";
}

const kept = new WeakMap<readonly string[], Map<Split, readonly string[]>>();

/** The phrasings of a list that belong to a split. */
export function only(items: readonly string[], split: Split): readonly string[] {
  const known = kept.get(items) ?? new Map<Split, readonly string[]>();
  kept.set(items, known);
  const chosen = known.get(split) ?? items.filter((item) => splitOf(item) === split);
  known.set(split, chosen);
  return chosen;
}

/** As `only`; all phrasings if that leaves none. */
export function phrasings(items: readonly string[], split: Split): readonly string[] {
  const chosen = only(items, split);
  return chosen.length > 0 ? chosen : items;
}

/** The words of a vocabulary that belong to a split: of every ten one for dev and one for test. */
export function part<T>(items: readonly T[], split: Split): T[] {
  return items.filter((_, i) => (i % 10 === 3 ? "dev" : i % 10 === 8 ? "test" : "train") === split);
}
