/** Questions about the network, their answers, and follow-up questions that lean on the turn before. */
import { block, readBlocks } from "./blocks.ts";
import { type Conversation, closed, vary } from "./conversation.ts";
import type { Random } from "./random.ts";
import { only, type Split } from "./split.ts";

const text = readBlocks("network");
const forms = block(text, "forms").items("ask");

export interface Topic {
  name: string;
  /** Questions of its own. */
  asks: readonly string[];
  /** Questions made of its names and the common forms. */
  named: readonly string[];
  answers: readonly string[];
}

export const topics: readonly Topic[] = [...text.values()]
  .filter(({ name }) => name !== "forms")
  .map((found) => ({
    name: found.name,
    asks: found.items("ask"),
    named: found.items("term").flatMap((term) => forms.map((form) => form.replace("{}", term))),
    answers: found.items("say"),
  }));

function topic(name: string): Topic {
  const found = topics.find((candidate) => candidate.name === name);
  if (!found) throw new Error(`There is no topic [${name}] in network.txt.`);
  return found;
}

/** A question of the split, as often one of the topic's own as one made of its names; none if the split has none. */
function ask(random: Random, { asks, named }: Topic, split: Split): string | undefined {
  const choices = [only(asks, split), only(named, split)].filter((items) => items.length > 0);
  return choices.length > 0 ? random.pick(random.pick(choices)) : undefined;
}

export function networkQuestion(random: Random, split: Split): Conversation {
  const chosen = random.pick(topics);
  const question = ask(random, chosen, split);
  if (question === undefined) return networkQuestion(random, split);
  return closed("network", vary(random, question), random.pick(chosen.answers), chosen.answers);
}

const followUps = [...readBlocks("followups").values()].flatMap(({ name, pairs }) =>
  pairs("ask").map(({ left, right }) => ({ before: topic(name), asks: left, after: topic(right) })),
);

export function followUp(random: Random, split: Split): Conversation {
  const { before, asks, after } = random.pick(followUps);
  const [opening, choices] = [ask(random, before, split), only(asks, split)];
  if (opening === undefined || choices.length === 0) return followUp(random, split);
  const first = { user: vary(random, opening), assistant: random.pick(before.answers) };
  const second = { user: vary(random, random.pick(choices)), assistant: random.pick(after.answers) };
  return { task: "follow-up", closed: true, turns: [first, second], accept: after.answers };
}
