/*
 * Which texts may still become one that a grammar describes, character by character. A state is the set of places in the
 * grammar where the text may stand: each a character that may come next and what has to follow after it. Provider and
 * verifier step through the same states in the same order, so what one allows the other allows.
 */

export type Grammar =
  /** One character (code point) of a class. */
  | { readonly kind: "class"; readonly allows: (codePoint: number) => boolean }
  | { readonly kind: "text"; readonly codePoints: readonly number[] }
  | { readonly kind: "sequence"; readonly parts: readonly Grammar[] }
  | { readonly kind: "choice"; readonly options: readonly Grammar[] }
  /** From `min` to `max` times; the part itself may not be empty. */
  | { readonly kind: "repeat"; readonly part: Grammar; readonly min: number; readonly max: number }
  /** For grammars that contain themselves. */
  | { readonly kind: "lazy"; readonly get: () => Grammar };

type Leaf = Extract<Grammar, { kind: "class" | "text" }>;

interface Rest {
  readonly grammar: Grammar;
  readonly rest: Rest | null;
}

interface Place {
  readonly leaf: Leaf;
  /** Characters of a text that have come. */
  readonly at: number;
  readonly rest: Rest | null;
}

export interface GrammarState {
  readonly places: readonly Place[];
  /** Whether the text may end here. */
  readonly ends: boolean;
}

/**
 * A grammar in which one text has more readings than this loses the later ones, on both sides alike; what is left still
 * follows the grammar.
 */
const MOST_PLACES = 512;

export function startOf(grammar: Grammar): GrammarState {
  const state = emptyState();
  enter(grammar, null, state);
  return state;
}

/** The state after one more character; no places and no end where it may not come. */
export function stepGrammar({ places }: GrammarState, codePoint: number): GrammarState {
  const state = emptyState();
  for (const { leaf, at, rest } of places) {
    if (leaf.kind === "class") {
      if (leaf.allows(codePoint)) {
        follow(rest, state);
      }
    } else if (leaf.codePoints[at] === codePoint) {
      if (at + 1 < leaf.codePoints.length) {
        place({ leaf, at: at + 1, rest }, state);
      } else {
        follow(rest, state);
      }
    }
  }
  return state;
}

interface OpenState {
  readonly places: Place[];
  ends: boolean;
}

function emptyState(): OpenState {
  return { places: [], ends: false };
}

function place(entry: Place, state: OpenState): void {
  if (state.places.length < MOST_PLACES) {
    state.places.push(entry);
  }
}

function follow(rest: Rest | null, state: OpenState): void {
  if (rest === null) {
    state.ends = true;
  } else {
    enter(rest.grammar, rest.rest, state);
  }
}

function enter(grammar: Grammar, rest: Rest | null, state: OpenState): void {
  switch (grammar.kind) {
    case "class":
      place({ leaf: grammar, at: 0, rest }, state);
      break;
    case "text":
      if (grammar.codePoints.length === 0) {
        follow(rest, state);
      } else {
        place({ leaf: grammar, at: 0, rest }, state);
      }
      break;
    case "sequence":
      follow(
        grammar.parts.reduceRight<Rest | null>((after, part) => ({ grammar: part, rest: after }), rest),
        state,
      );
      break;
    case "choice":
      for (const option of grammar.options) {
        enter(option, rest, state);
      }
      break;
    case "repeat": {
      const { part, min, max } = grammar;
      // The way out comes first: it may not be among the readings that are lost.
      if (min === 0) {
        follow(rest, state);
      }
      if (max > 0) {
        const unbounded = min === 0 && max === Number.POSITIVE_INFINITY;
        const again: Grammar = unbounded ? grammar : { kind: "repeat", part, min: Math.max(0, min - 1), max: max - 1 };
        enter(part, { grammar: again, rest }, state);
      }
      break;
    }
    case "lazy":
      enter(grammar.get(), rest, state);
      break;
  }
}

export function text(characters: string): Grammar {
  return { kind: "text", codePoints: [...characters].map((character) => character.codePointAt(0) ?? 0) };
}

export function sequence(...parts: readonly Grammar[]): Grammar {
  return { kind: "sequence", parts };
}

export function choice(...options: readonly Grammar[]): Grammar {
  return { kind: "choice", options };
}

export function repeat(part: Grammar, min: number, max: number): Grammar {
  return { kind: "repeat", part, min, max };
}

/** One of these characters; ranges are written as in `"09"` for 0 to 9. */
export function oneOf(...ranges: readonly string[]): Grammar {
  const bounds = ranges.map((range) => [range.codePointAt(0) ?? 0, range.codePointAt(range.length - 1) ?? 0] as const);
  return { kind: "class", allows: (code) => bounds.some(([low, high]) => code >= low && code <= high) };
}
