/** Who and what a story has: the hero, the friend, the thing, the places, and which of them were asked for. */
import type { Random } from "./random.ts";
import { part, type Split } from "./split.ts";
import {
  animals,
  boys,
  colours,
  fantasy,
  foods,
  girls,
  inventedName,
  jobs,
  locate,
  objects,
  places,
  plural,
  sizes,
  traits,
} from "./words.ts";

export interface Cast {
  /** "fox"; "girl" or "boy" for a child. */
  kind: string;
  name: string;
  isChild: boolean;
  /** Values of the slots in plots.txt. */
  slots: Readonly<Record<string, string>>;
}

/** What the request names; everything else is free. */
export interface Wish {
  none: boolean;
  name?: string;
  trait?: string;
  place?: string;
  thing?: string;
  friend?: string;
}

const pronouns = (female: boolean) =>
  female ? { they: "she", their: "her", them: "her" } : { they: "he", their: "his", them: "him" };

/** Heroes of held-out stories bear held-out names; all other words may occur in the stories of training. */
export function castStory(random: Random, split: Split): { cast: Cast; wish: Wish } {
  const isChild = random.chance(0.15);
  const female = random.chance(0.5);
  const given = part(female ? girls : boys, split);
  const kinds = random.weighted<() => readonly string[]>([
    [6, () => animals],
    [3, () => fantasy],
    [1, () => jobs],
    [1, () => objects],
    [0.3, () => foods],
    [0.6, () => [inventedName(random).toLowerCase()]],
  ])();
  const kind = isChild ? (female ? "girl" : "boy") : random.pick(kinds);
  const none = random.chance(0.08);
  const maybe = (p: number, make: () => string) => (!none && random.chance(p) ? make() : undefined);
  const name = maybe(isChild ? 1 : 0.2, () => (random.chance(0.2) ? inventedName(random) : random.pick(given)));
  const trait = maybe(0.3, () => random.pick(traits));
  const place = maybe(0.15, () => random.pick(places));
  const thing = maybe(0.2, () => random.pick(objects));
  const friend = maybe(0.15, () => random.pick(animals.filter((other) => other !== kind)));
  const wish: Wish = {
    none,
    ...(name && { name }),
    ...(trait && { trait }),
    ...(place && { place }),
    ...(thing && { thing }),
    ...(friend && { friend }),
  };

  const hero = name ?? random.pick(given);
  const friendFemale = random.chance(0.5);
  const friendName = random.pick(part(friendFemale ? girls : boys, split).filter((other) => other !== hero));
  const friendKind = friend ?? random.pick(animals.filter((other) => other !== kind));
  const [P = "", Q = ""] = random.shuffle(places).filter((other) => other !== place);
  const food = random.pick(foods);
  const main = pronouns(female);
  const other = pronouns(friendFemale);
  const first = place ?? P;
  const slots = {
    k: kind,
    F: friendName,
    f: friendKind,
    T: thing ?? random.pick(objects),
    P: first,
    inP: locate(first),
    Q,
    inQ: locate(Q),
    E: food,
    Es: plural(food),
    c: random.pick(colours),
    s: random.pick(sizes),
    ...main,
    fthey: other.they,
    ftheir: other.their,
    fthem: other.them,
  };
  return { cast: { kind, name: hero, isChild, slots }, wish };
}
