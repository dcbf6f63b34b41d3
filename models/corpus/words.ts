/** Vocabularies shared by all generators, and what English does to words. */
import { block, readBlocks } from "./blocks.ts";
import type { Random } from "./random.ts";
import { part, type Split } from "./split.ts";

const blocks = readBlocks("words");
export const words = (name: string): readonly string[] => block(blocks, name).items("list");
const pairs = (name: string): (readonly [string, string])[] =>
  words(name).map((item) => {
    const [left = "", right = ""] = item.split(" ");
    return [left, right];
  });

export const girls = words("girls");
export const boys = words("boys");
export const animals = words("animals");
export const fantasy = words("fantasy");
export const jobs = words("jobs");
export const places = words("places");
export const cities = words("cities");
export const objects = words("objects");
export const foods = words("foods");
export const colours = words("colours");
export const sizes = words("sizes");
export const traits = words("traits");
export const weekdays = words("weekdays");
export const months = words("months");
export const subjects = words("subjects");
export const numbers = words("numbers");
export const opposites = pairs("opposites");

const irregular = new Map(pairs("irregular plurals"));
export const pluralNouns = [
  ...new Set([...animals, ...objects, ...foods, ...places, ...jobs, ...irregular.keys(), ...words("nouns")]),
];

export function plural(noun: string): string {
  const known = irregular.get(noun);
  if (known) return known;
  if (/[^aeiou]y$/.test(noun)) return `${noun.slice(0, -1)}ies`;
  if (/(s|x|ch|sh)$/.test(noun)) return `${noun}es`;
  return `${noun}s`;
}

const on = new Set([
  "beach",
  "hill",
  "bridge",
  "island",
  "mountain",
  "street",
  "farm",
  "square",
  "field",
  "meadow",
  "tower",
]);
const at = new Set(["lake", "river", "harbour", "pond", "station", "mill", "market", "school", "well"]);
/** "on the hill", "at the lake", "in the barn" */
export const locate = (place: string): string => `${on.has(place) ? "on" : at.has(place) ? "at" : "in"} the ${place}`;

export const withArticle = (phrase: string): string => `${/^([aeiou]|honest)/i.test(phrase) ? "an" : "a"} ${phrase}`;
export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
export const joinAnd = (items: readonly string[]): string =>
  items.length < 2 ? (items[0] ?? "") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;

const consonants = "b br d dr f g h j k l m n p r s st t tr v w z".split(" ");
const onsets = [...consonants, "ch", "sh", "th", ""];
const vowels = "a e i o u".split(" ");
const nuclei = [...vowels, "ia", "ee", "ei", "au"];
const alphabet = "abcdefghijklmnopqrstuvwxyz".split("");
const codas = ["", "", "n", "l", "r", "s", "m", "x", "ck", "th", "nd", "lla", "ton", "va"];

function syllables(random: Random): string {
  const syllable = () => random.pick(onsets) + random.pick(nuclei);
  const start = Array.from({ length: random.int(1, 2) }, syllable).join("");
  return start + random.pick(consonants) + random.pick(vowels) + random.pick(codas);
}

const known = [girls, boys, cities, animals, objects, foods, places, jobs].flatMap((list) => part(list, "train"));

/** The beginning of one word and the end of another. */
function spliced(random: Random): string {
  const [left, right] = [random.pick(known), random.pick(known)];
  return left.slice(0, random.int(2, Math.max(2, left.length - 2))) + right.slice(-random.int(2, 4)).toLowerCase();
}

/**
 * A name that is most likely in no list, so that copying is learnt rather than recall. Several kinds, so that the tokens of
 * any name that a user may type have been copied.
 */
export function inventedName(random: Random): string {
  const letters = () => Array.from({ length: random.int(3, 7) }, () => random.pick(alphabet)).join("");
  const make = random.weighted<(random: Random) => string>([
    [5, syllables],
    [4, spliced],
    [1, letters],
  ]);
  return capital(make(random));
}

export interface Person {
  name: string;
  /** Subject pronoun. */
  they: "he" | "she";
  their: "his" | "her";
  them: "him" | "her";
}

/** Somebody from the names of a split or, four times in ten, with an invented name. */
export function person(random: Random, split: Split, exclude: readonly string[] = []): Person {
  const girl = random.chance(0.5);
  const names = part(girl ? girls : boys, split);
  for (;;) {
    const name = random.chance(0.4) ? inventedName(random) : random.pick(names);
    if (exclude.includes(name)) continue;
    return girl ? { name, they: "she", their: "her", them: "her" } : { name, they: "he", their: "his", them: "him" };
  }
}
