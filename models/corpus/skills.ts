/** Small tasks without a text to read: sentiment, sums, words, lists, copying. */
import { block, readBlocks } from "./blocks.ts";
import { type Conversation, closed, fill, vary } from "./conversation.ts";
import type { Random } from "./random.ts";
import { draw, fillDrawn } from "./slots.ts";
import { phrasings, type Split } from "./split.ts";
import {
  animals,
  capital,
  cities,
  colours,
  foods,
  jobs,
  joinAnd,
  months,
  numbers,
  objects,
  opposites,
  places,
  plural,
  pluralNouns,
  subjects,
  weekdays,
  withArticle,
} from "./words.ts";

const blocks = readBlocks("skills");

/** One of the ways to set a task. */
export const form = (random: Random, task: string, split: Split): string =>
  random.pick(phrasings(block(blocks, task).items("ask"), split));

const texts = (name: string, split: Split): readonly string[] => phrasings(block(blocks, name).items("text"), split);

export function sentiment(random: Random, split: Split): Conversation {
  const label = random.pick(["Positive", "Negative", "Neutral"]);
  const { text } = fillDrawn(random, split, random.pick(texts(label.toLowerCase(), split)));
  return closed("sentiment", fill(form(random, "sentiment", split), { text }), `${label}.`);
}

/** Sums of two numbers up to 10: all 121 are in training, only the ways to ask are held out. */
export function sum(random: Random, split: Split): Conversation {
  const [a, b] = [random.int(0, 10), random.int(0, 10)];
  const inWords = random.chance(0.12);
  const written = (n: number) => (inWords ? (numbers[n] ?? "") : String(n));
  const user = fill(form(random, "sum", split), { a: written(a), b: written(b) });
  return closed("sum", random.chance(0.8) ? user : vary(random, user), `${a + b}.`);
}

function opposite(random: Random, split: Split): Conversation {
  const [x, y] = random.pick(opposites);
  const [from, to] = random.chance(0.5) ? [x, y] : [y, x];
  const all = opposites.flatMap(([l, r]) => (l === from ? [r] : r === from ? [l] : []));
  const accept = all.map((word) => `${capital(word)}.`);
  return closed(
    "opposite",
    vary(random, fill(form(random, "opposite", split), { word: from })),
    `${capital(to)}.`,
    accept,
  );
}

function pluralOf(random: Random, split: Split): Conversation {
  const word = random.pick(pluralNouns);
  return closed("plural", vary(random, fill(form(random, "plural", split), { word })), `${capital(plural(word))}.`);
}

/** "orange" is a food and a colour, so it is never offered beside the answer. */
const kinds: readonly (readonly [string, readonly string[]])[] = [
  ["animal", animals],
  ["food", foods.filter((word) => word !== "orange")],
  ["colour", colours.filter((word) => word !== "orange")],
  ["job", jobs],
  ["month", months],
  ["place", places],
  ["city", cities],
];

function wordClass(random: Random, split: Split): Conversation {
  const [[kind = "", members = []] = [], ...others] = random.some(kinds, 3);
  const answer = random.pick(members);
  const words = random.shuffle([answer, ...others.map(([, list]) => random.pick(list))]);
  const options = random.chance(0.7) ? words.join(", ") : joinAnd(words);
  const user = fill(form(random, "word class", split), { kind: withArticle(kind), options });
  return closed("word class", user, `${capital(answer)}.`);
}

const wordTasks = [
  [4, opposite],
  [4, pluralOf],
  [2, wordClass],
] as const;
export const word = (random: Random, split: Split): Conversation => random.weighted(wordTasks)(random, split);

export function copying(random: Random, split: Split): Conversation {
  const { text } = fillDrawn(random, split, random.pick(texts("copied", split)));
  return closed("copy", fill(form(random, "copy", split), { text }), text);
}

export function position(random: Random, split: Split): Conversation {
  const items = new Set<string>();
  for (const count = random.int(3, 5); items.size < count; ) items.add(draw(random, split, "t"));
  const [first = "", second = "", ...rest] = items;
  const [at, answer] = random.pick([
    ["first", first],
    ["second", second],
    ["last", rest.at(-1) ?? ""],
  ] as const);
  const user = fill(form(random, "position", split), { at, list: [...items].join(", ") });
  return closed("position", user, `${capital(answer)}.`);
}

const groups = {
  animals,
  foods,
  colours,
  jobs,
  places,
  objects,
  cities,
  months,
  days: weekdays,
  "school subjects": subjects,
};

export function listing(random: Random, split: Split): Conversation {
  const [kind, members] = random.pick(Object.entries(groups));
  const amount = random.int(2, 5);
  const items = random.some(members, amount);
  const lines = random.chance(0.35);
  const count = random.chance(0.6) ? (numbers[amount] ?? "") : String(amount);
  const user = fill(form(random, lines ? "lines" : "list", split), { count, kind });
  const assistant = lines ? items.map((item, i) => `${i + 1}. ${item}`).join("\n") : `${capital(joinAnd(items))}.`;
  return { task: "list", closed: false, turns: [{ user: random.chance(0.8) ? user : user.toLowerCase(), assistant }] };
}

/** One of the system messages that clients send. */
export const systemMessage = (random: Random): string => random.pick(block(blocks, "system").items("say"));
