/*
 * A word-level model of prompts: after each pair of words, the words that were seen to follow, as often as they were
 * seen. It gives texts that have the words, the word lengths and the local order of what it read, and say nothing. Whoever
 * reads them will notice; whoever measures them should not.
 */

export interface WordModel {
  /** A text of about `length` words that ends where texts end, where it can. */
  write(length: number, random: () => number): string;
}

/** No word: before the beginning of a text. */
const START = "";
/** Chance at which the next word is one that followed the last word alone, so that texts branch where pairs are rare. */
const LOOSE = 0.15;
/** How much longer than wanted a text may become to end well. */
const OVERRUN = 1.3;

/** @param texts at least one that is not blank. */
export function learnWords(texts: readonly string[]): WordModel {
  const afterPair = new Map<string, string[]>();
  const afterWord = new Map<string, string[]>();
  const beginnings: string[] = [];
  const endings = new Set<string>();
  for (const text of texts) {
    let [before, last] = [START, START];
    for (const word of wordsOf(text)) {
      if (last === START) {
        beginnings.push(word);
      } else {
        follow(afterWord, last, word);
        follow(afterPair, `${before} ${last}`, word);
      }
      [before, last] = [last, word];
    }
    endings.add(last);
  }
  if (beginnings.length === 0) {
    throw new RangeError("a model of words needs at least one word");
  }

  const pick = (choices: readonly string[] | undefined, random: () => number) =>
    choices === undefined ? undefined : choices[Math.floor(random() * choices.length)];

  return {
    write(length, random) {
      const wanted = Math.max(1, Math.round(length));
      const words: string[] = [];
      let [before, last] = [START, START];
      let end = 0;
      while (words.length < wanted * OVERRUN + 2) {
        const tight = random() < LOOSE ? undefined : pick(afterPair.get(`${before} ${last}`), random);
        const word = tight ?? pick(afterWord.get(last), random) ?? pick(beginnings, random) ?? START;
        words.push(word);
        [before, last] = [last, word];
        if (endings.has(word) && Math.abs(words.length - wanted) < Math.abs(end - wanted)) {
          end = words.length;
        }
      }
      return words.slice(0, end === 0 ? wanted : end).join(" ");
    },
  };
}

/** The words of a text with the punctuation that clings to them. */
export function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== START);
}

function follow(map: Map<string, string[]>, key: string, word: string): void {
  const known = map.get(key);
  if (known === undefined) {
    map.set(key, [word]);
  } else {
    known.push(word);
  }
}
