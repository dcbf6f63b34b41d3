/** Random values for the slots of templates: {o} an object, {C} a city and so on, from the words of a split. */
import { fill } from "./conversation.ts";
import type { Random } from "./random.ts";
import { part, type Split } from "./split.ts";
import {
  animals,
  cities,
  colours,
  foods,
  inventedName,
  jobs,
  locate,
  months,
  numbers,
  objects,
  person,
  places,
  plural,
  subjects,
  weekdays,
  words,
} from "./words.ts";

export type Slots = Readonly<Record<string, string>>;
type Draw = (random: Random, split: Split) => string;

/** How often an invented word stands where a known one could, so that copying does not depend on knowing the word. */
const INVENTED = 0.25;

const from =
  (list: readonly string[]): Draw =>
  (random, split) =>
    random.pick(part(list, split));
const open =
  (list: readonly string[], shape: (name: string) => string = (name) => name.toLowerCase()): Draw =>
  (random, split) =>
    random.chance(INVENTED) ? shape(inventedName(random)) : random.pick(part(list, split));

const object = open(objects);
const place = open(places);
const food = open(foods);
const animal = open(animals);

const word: Draw = (random, split) =>
  random.chance(0.3) ? inventedName(random).toLowerCase() : random.pick([animal, object, food, place])(random, split);

const draws: Readonly<Record<string, Draw>> = {
  q: (random, split) => person(random, split).name,
  o: object,
  c: (random) => random.pick(colours),
  p: place,
  at: (random, split) => locate(place(random, split)),
  w: (random) => random.pick(weekdays),
  m: (random) => random.pick(months),
  s: (random) => random.pick(subjects),
  j: from(jobs),
  C: open(cities, (name) => name),
  C2: from(cities),
  C3: from(cities),
  f: (random, split) => plural(food(random, split)),
  x: animal,
  xs: (random, split) => plural(animal(random, split)),
  k: (random) => random.pick(words("pets")),
  a: (random) => {
    const count = random.int(2, 20);
    return random.chance(0.5) ? String(count) : (numbers[count] ?? "");
  },
  age: (random) => String(random.int(3, 90)),
  h: (random) => String(random.int(1, 12)),
  g: (random) => random.pick(words("good")),
  b: (random) => random.pick(words("bad")),
  /** Something that people judge. */
  v: (random, split) =>
    random.chance(0.6) ? random.pick(words("judged")) : random.pick([object, food])(random, split),
  u: (random, split) => (random.chance(0.6) ? random.pick(words("judged")) : object(random, split)),
  t2: (random, split) => word(random, split),
  /** Any word at all, often one that nobody has seen. */
  t: (random, split) => word(random, split),
};

export function draw(random: Random, split: Split, slot: string): string {
  const make = draws[slot];
  if (!make) throw new Error(`A template uses the slot {${slot}}, which has no values.`);
  return make(random, split);
}

/** Names of the slots of a template, each once. */
export const slotsIn = (template: string): string[] => [
  ...new Set(Array.from(template.matchAll(/\{\^?(\w+)\}/g), ([, slot = ""]) => slot)),
];

export const pronounsOf = (random: Random, split: Split, exclude: readonly string[] = []): Slots => {
  const { name, they, their, them } = person(random, split, exclude);
  return { n: name, they, their, them };
};

/** Fills a template, drawing whatever `given` does not have; returns all values that were used. */
export function fillDrawn(
  random: Random,
  split: Split,
  template: string,
  given: Slots = {},
): { text: string; slots: Slots } {
  const slots: Record<string, string> = { ...pronounsOf(random, split), ...given };
  for (const slot of slotsIn(template)) slots[slot] ??= draw(random, split, slot);
  return { text: fill(template, slots), slots };
}
