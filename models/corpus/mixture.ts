/** Which tasks a corpus holds in which shares, and how exchanges are joined to conversations. */
import type { Conversation, Maker } from "./conversation.ts";
import { extraction } from "./extraction.ts";
import { followUp, networkQuestion } from "./network.ts";
import type { Random } from "./random.ts";
import { reading } from "./reading.ts";
import { recall } from "./recall.ts";
import { copying, listing, position, sentiment, sum, systemMessage, word } from "./skills.ts";
import { nameTalk, refusal, smallTalk } from "./smalltalk.ts";
import type { Split } from "./split.ts";
import { story } from "./stories.ts";

export type Mixture = readonly (readonly [share: number, make: Maker])[];

/** Shares of conversations. Stories are few but long: about 4 tokens in 10. */
export const main: Mixture = [
  [12, story],
  [21, reading],
  [10, extraction],
  [15, networkQuestion],
  [3, followUp],
  [7, smallTalk],
  [4, nameTalk],
  [8, refusal],
  [5, sentiment],
  [3, sum],
  [6, word],
  [1, listing],
  [5, copying],
  [3, position],
  [4, (random, split) => (split === "train" ? recall(random) : copying(random, split))],
];

/** Mostly what needs the context: copying, reading, extraction. */
export const start: Mixture = [
  [50, recall],
  [24, reading],
  [14, extraction],
  [8, copying],
  [2, nameTalk],
  [2, story],
];

/** What may stand before another exchange in one conversation: short ones only. */
const short: Mixture = [
  [4, networkQuestion],
  [3, smallTalk],
  [2, refusal],
  [1, sum],
  [1, word],
  [1, listing],
  [2, reading],
  [1, extraction],
  [1, sentiment],
];

/** Words beyond which nothing is added to a conversation, so that it stays within about 380 tokens. */
const LONG = 130;
const words = ({ turns }: Conversation): number =>
  turns.reduce((sum, { user, assistant }) => sum + user.split(" ").length + assistant.split(" ").length, 0);

export function conversation(random: Random, split: Split, mixture: Mixture): Conversation {
  let made = random.weighted(mixture)(random, split);
  if (mixture === start) return made;
  while (random.chance(0.22) && made.turns.length < 4 && words(made) < LONG) {
    const before = random.weighted(short)(random, split);
    made = { ...made, turns: [...before.turns, ...made.turns] };
  }
  return random.chance(0.15) ? { ...made, system: systemMessage(random) } : made;
}
