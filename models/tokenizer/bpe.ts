/**
 * Byte-level byte-pair encoding, the "gpt2" tokenizer model of GGUF with the "gpt-2" pre-tokenizer.
 *
 * Text is cut into words by the GPT-2 pattern, each byte of a word becomes one printable character, and the
 * learnt merges are applied in the order in which they were learnt.
 */
export interface Tokenizer {
  /** Control tokens, ids 0.. in this order: begin of text, start of message, end of message. */
  special: string[];
  /** All tokens by id, bytes written as printable characters. */
  tokens: string[];
  /** Pairs of tokens, most important first. */
  merges: [string, string][];
}

export const special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
export const BEGIN = 0;
export const START = 1;
export const END = 2;

const pattern = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/** GPT-2's printable character for each byte. */
const byteCharacters: string[] = (() => {
  const printable = (b: number) => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || (b >= 174 && b <= 255);
  let next = 256;
  return Array.from({ length: 256 }, (_, b) => String.fromCodePoint(printable(b) ? b : next++));
})();

const utf8 = new TextEncoder();
const toCharacters = (word: string): string[] => Array.from(utf8.encode(word), (byte) => byteCharacters[byte] ?? "");

interface Word {
  symbols: string[];
  count: number;
}

/** Learns merges from texts until there are `size` tokens. Ties are broken by the pair's text, so the result is unique. */
export function trainTokenizer(texts: Iterable<string>, size: number): Tokenizer {
  const counts = new Map<string, number>();
  for (const text of texts) for (const [word] of text.matchAll(pattern)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const words: Word[] = Array.from(counts, ([word, count]) => ({ symbols: toCharacters(word), count }));

  const pairs = new Map<string, { count: number; words: Set<Word> }>();
  const add = (word: Word, sign: 1 | -1) => {
    for (let i = 0; i + 1 < word.symbols.length; i++) {
      const key = `${word.symbols[i]} ${word.symbols[i + 1]}`;
      const pair = pairs.get(key) ?? { count: 0, words: new Set<Word>() };
      pair.count += sign * word.count;
      if (sign === 1) pair.words.add(word);
      pairs.set(key, pair);
    }
  };
  for (const word of words) add(word, 1);

  const tokens = [...special, ...byteCharacters];
  const merges: [string, string][] = [];
  while (tokens.length < size) {
    let best = "";
    let most = 0;
    for (const [key, pair] of pairs)
      if (pair.count > most || (pair.count === most && key < best)) [best, most] = [key, pair.count];
    if (most < 2) break;
    const [left = "", right = ""] = best.split(" ");
    merges.push([left, right]);
    tokens.push(left + right);
    for (const word of pairs.get(best)?.words ?? []) {
      add(word, -1);
      word.symbols = merge(word.symbols, left, right);
      add(word, 1);
    }
    pairs.delete(best);
  }
  return { special, tokens, merges };
}

function merge(symbols: readonly string[], left: string, right: string): string[] {
  const out: string[] = [];
  for (let i = 0; i < symbols.length; i++) {
    if (symbols[i] === left && symbols[i + 1] === right) {
      out.push(left + right);
      i++;
    } else out.push(symbols[i] ?? "");
  }
  return out;
}

/** Returns a function from text (without control tokens) to token ids. Words are cached. */
export function createEncoder(tokenizer: Tokenizer): (text: string) => number[] {
  const ids = new Map(tokenizer.tokens.map((token, id) => [token, id]));
  const ranks = new Map(tokenizer.merges.map(([left, right], rank) => [`${left} ${right}`, rank]));
  const idOf = (symbol: string): number => {
    const id = ids.get(symbol);
    if (id === undefined) throw new Error(`The tokenizer has no token ${JSON.stringify(symbol)}.`);
    return id;
  };
  const cache = new Map<string, number[]>();
  const encodeWord = (word: string): number[] => {
    let symbols = toCharacters(word);
    for (;;) {
      let best = Number.POSITIVE_INFINITY;
      for (let i = 0; i + 1 < symbols.length; i++)
        best = Math.min(best, ranks.get(`${symbols[i]} ${symbols[i + 1]}`) ?? Number.POSITIVE_INFINITY);
      const pair = tokenizer.merges[best];
      if (!pair) return symbols.map(idOf);
      symbols = merge(symbols, pair[0], pair[1]);
    }
  };
  return (text) => {
    const out: number[] = [];
    for (const [word] of text.matchAll(pattern)) {
      const encoded = cache.get(word) ?? encodeWord(word);
      cache.set(word, encoded);
      out.push(...encoded);
    }
    return out;
  };
}
