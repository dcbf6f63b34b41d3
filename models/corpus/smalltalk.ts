/** Greetings, thanks, who the model is, names to remember, and polite refusals of what it cannot do. */
import { block, readBlocks } from "./blocks.ts";
import { type Conversation, closed, fill, vary } from "./conversation.ts";
import type { Random } from "./random.ts";
import { part, phrasings, type Split } from "./split.ts";
import { animals, cities, foods, inventedName, jobs, objects, person, plural, subjects } from "./words.ts";

/** How the model names its own size, in millions of parameters. */
const size = "five";

const exchanges = [...readBlocks("smalltalk").values()].map(({ name, items }) => ({
  name,
  asks: items("ask"),
  answers: items("say").map((answer) => fill(answer, { size })),
}));

/** The answers of an exchange, by its name in smalltalk.txt. */
export function exchangeAnswers(wanted: string): readonly string[] {
  const found = exchanges.find(({ name }) => name === wanted);
  if (!found) throw new Error(`There is no exchange [${wanted}] in smalltalk.txt.`);
  return found.answers;
}

export function smallTalk(random: Random, split: Split): Conversation {
  const { asks, answers } = random.pick(exchanges);
  const ask = random.pick(phrasings(asks, split));
  return closed("small talk", random.chance(0.7) ? ask : vary(random, ask), random.pick(answers), answers);
}

const skills = readBlocks("skills");

/** "My name is X." is greeted by name; sometimes the name is asked for later. */
export function nameTalk(random: Random, split: Split): Conversation {
  const n = random.chance(0.4) ? inventedName(random) : person(random, split).name;
  const introduction = fill(random.pick(phrasings(block(skills, "name").items("ask"), split)), { n });
  const greetings = [`Hello, ${n}! How can I help you?`, `Nice to meet you, ${n}!`];
  const first = closed("name", introduction, random.pick(greetings), greetings);
  if (random.chance(0.4)) return first;
  const between = random.chance(0.4) ? smallTalk(random, split).turns : [];
  const question = random.pick(phrasings(block(skills, "my name").items("ask"), split));
  const turns = [...first.turns, ...between, { user: question, assistant: `Your name is ${n}.` }];
  return { task: "name", closed: true, turns };
}

const outside = readBlocks("outside");
export const refusals = block(outside, "refusals").items("say");
const lists = (name: string): readonly string[] => block(outside, name).items("list");

/** A question about the world. Forms are split as phrasings, what is put into them as words. */
function outsideQuestion(random: Random, split: Split): string {
  const forms = random.pick(outsideForms[split]);
  const values: Record<string, () => string> = {
    n: () => String(random.int(21, 9999)),
    city: () => random.pick(part(cities, split)),
    thing: () => random.pick(part(objects, split)),
    food: () => random.pick(part(foods, split)),
    animal: () => random.pick(part(animals, split)),
    animals: () => plural(random.pick(part(animals, split))),
    job: () => random.pick(part(jobs, split)),
    subject: () => random.pick(part(subjects, split)),
    noun: () =>
      random.weighted<() => string>([
        [3, () => inventedName(random).toLowerCase()],
        [4, () => random.pick(part(lists("noun"), split))],
        [3, () => random.pick(part([...animals, ...objects, ...foods, ...jobs], split))],
      ])(),
  };
  // One slot after the other, so that "from {city} to {city}" names two.
  return random.pick(forms).replace(/\{(\w+)\}/g, (_, slot: string) => {
    const value = values[slot];
    return value ? value() : random.pick(part(lists(slot), split));
  });
}

/** Groups of similar forms, so that a group with many wordings is not asked more often. */
const groups = block(outside, "forms").groups("ask");
const outsideForms: Record<Split, (readonly string[])[]> = {
  train: groups.map((group) => phrasings(group, "train")),
  dev: groups.map((group) => phrasings(group, "dev")),
  test: groups.map((group) => phrasings(group, "test")),
};

export function refusal(random: Random, split: Split): Conversation {
  const question = outsideQuestion(random, split).replace(/\b([Aa]) (?=[aeiou])/g, "$1n ");
  return closed("refusal", vary(random, question), random.pick(refusals), refusals);
}
