/**
 * Exercises that can only be solved by looking back: long repetitions and many questions about one list of pairs.
 * They teach copying early in training; a small model needs many of them before it uses its context at all.
 */
import { block, readBlocks } from "./blocks.ts";
import { type Conversation, closed, fill, type Turn } from "./conversation.ts";
import type { Random } from "./random.ts";
import { part, phrasings } from "./split.ts";
import {
  animals,
  capital,
  cities,
  colours,
  foods,
  inventedName,
  jobs,
  objects,
  person,
  places,
  traits,
} from "./words.ts";

const vocabulary = [animals, objects, foods, places, jobs, colours, traits].flatMap((items) => part(items, "train"));
const asks = block(readBlocks("skills"), "copy").items("ask");

/** Always of the training split. */
export function recall(random: Random): Conversation {
  return random.chance(0.65) ? repetition(random) : pairs(random);
}

function repetition(random: Random): Conversation {
  const word = () => {
    if (random.chance(0.5)) return random.chance(0.5) ? inventedName(random) : inventedName(random).toLowerCase();
    return random.chance(0.15) ? person(random, "train").name : random.pick(vocabulary);
  };
  const text = Array.from({ length: random.int(3, 24) }, word).join(random.pick([" ", " ", ", "]));
  return closed("copy", fill(random.pick(phrasings(asks, "train")), { text }), text);
}

const relations = [
  { verb: "has the {}.", values: objects, ask: "What does {} have?", reverse: "Who has the {}?", answer: "The {}." },
  { verb: "is in the {}.", values: places, ask: "Where is {}?", reverse: "Who is in the {}?", answer: "In the {}." },
  {
    verb: "likes the {}.",
    values: animals,
    ask: "What does {} like?",
    reverse: "Who likes the {}?",
    answer: "The {}.",
  },
  { verb: "lives in {}.", values: cities, ask: "Where does {} live?", reverse: "Who lives in {}?", answer: "In {}." },
  { verb: "is the {}.", values: jobs, ask: "What is the job of {}?", reverse: "Who is the {}?", answer: "{}." },
] as const;

function pairs(random: Random): Conversation {
  const { verb, values, ask, reverse, answer } = random.pick(relations);
  const count = random.int(2, 7);
  const names: string[] = [];
  while (names.length < count) names.push(person(random, "train", names).name);
  const chosen = random.some(part(values, "train"), count);
  const known = names.map((name, i) => ({ name, value: chosen[i] ?? "" }));
  const text = known.map(({ name, value }) => `${name} ${verb.replace("{}", value)}`).join(" ");
  const turns: Turn[] = random
    .some(known, random.int(1, 4))
    .map(({ name, value }) =>
      random.chance(0.4)
        ? { user: reverse.replace("{}", value), assistant: `${name}.` }
        : { user: ask.replace("{}", name), assistant: capital(answer.replace("{}", value)) },
    );
  const [first, ...rest] = turns;
  if (!first) throw new Error("A list of pairs needs a question.");
  const asked = { user: `${text} ${first.user}`, assistant: first.assistant };
  return { task: "reading", closed: true, turns: [asked, ...rest] };
}
