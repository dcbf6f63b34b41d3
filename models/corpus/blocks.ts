/**
 * Reads the text files of the corpus: blocks that begin with `[name]`, lines of a key and items separated by " | ".
 * An item may hold alternatives, "(a/b/)" for a, b or nothing; it stands for all their combinations. `\n` is a line break.
 */
import { readFileSync } from "node:fs";

export interface Block {
  name: string;
  /** The lines of a key as they are written. */
  lines(key: string): readonly string[];
  /** All items of a key, alternatives expanded. */
  items(key: string): readonly string[];
  /** The items of each line of a key. */
  groups(key: string): readonly (readonly string[])[];
  /** For lines like `ask question | question > answer`: the questions and the answer of each line. */
  pairs(key: string): readonly { left: readonly string[]; right: string }[];
}

/** All combinations of the alternatives in a text. */
export function expand(text: string): string[] {
  const found = /\(([^()]*\/[^()]*)\)/.exec(text);
  if (!found) return [tidy(text)];
  const [whole, inner = ""] = found;
  return inner
    .split("/")
    .flatMap((choice) => expand(text.slice(0, found.index) + choice + text.slice(found.index + whole.length)));
}

const tidy = (text: string): string =>
  text
    .replace(/ {2,}/g, " ")
    .replace(/([\w}]) ([?.!,])/g, "$1$2")
    .trim();

const list = (text: string): string[] => [...new Set(text.split(" | ").flatMap((item) => expand(item)))];

export function parseBlocks(text: string): ReadonlyMap<string, Block> {
  const blocks = new Map<string, Block>();
  let lines: [string, string][] = [];
  for (const line of text.split("\n")) {
    const heading = /^\[(.+)\]$/.exec(line)?.[1];
    if (heading) {
      lines = [];
      blocks.set(heading, createBlock(heading, lines));
    } else if (line.trim() !== "" && blocks.size > 0) {
      const space = line.indexOf(" ");
      lines.push([line.slice(0, space), line.slice(space + 1).replaceAll("\\n", "\n")]);
    }
  }
  return blocks;
}

function createBlock(name: string, lines: readonly [string, string][]): Block {
  const of = (key: string) => lines.filter(([k]) => k === key).map(([, text]) => text);
  const items = new Map<string, string[]>();
  return {
    name,
    items(key) {
      const known = items.get(key);
      if (known) return known;
      const fresh = of(key).flatMap((text) => (key === "say" ? text.split(" | ") : list(text)));
      items.set(key, fresh);
      return fresh;
    },
    lines: of,
    groups: (key) => of(key).map(list),
    pairs(key) {
      return of(key).map((text) => {
        const [left = "", right = ""] = text.split(" > ");
        return { left: list(left), right };
      });
    },
  };
}

export const readBlocks = (name: string): ReadonlyMap<string, Block> =>
  parseBlocks(readFileSync(new URL(`./text/${name}.txt`, import.meta.url), "utf8"));

/** The block of a name, which must exist. */
export function block(blocks: ReadonlyMap<string, Block>, name: string): Block {
  const found = blocks.get(name);
  if (!found) throw new Error(`There is no block [${name}]; there are ${[...blocks.keys()].join(", ")}.`);
  return found;
}
