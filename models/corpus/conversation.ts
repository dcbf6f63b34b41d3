/** A conversation, and the ways in which people vary what they type. */
import type { Random } from "./random.ts";
import type { Split } from "./split.ts";

export interface Turn {
  user: string;
  assistant: string;
}

export interface Conversation {
  /** What kind of task the last turn is; evaluation reports by it. */
  task: string;
  system?: string;
  turns: Turn[];
  /** True where there is a right answer: the last turn's, or one of `accept`. */
  closed: boolean;
  /** Other answers that count as correct for the last turn of a closed task. */
  accept?: readonly string[];
  /** A word that the answer of an open task should contain. */
  mentions?: string;
  /** In dev and test: whether training contains the same question, case and punctuation aside (see generate.ts). */
  seen?: boolean;
}

export type Maker = (random: Random, split: Split) => Conversation;

/** One closed exchange. */
export const closed = (task: string, user: string, assistant: string, accept?: readonly string[]): Conversation => ({
  task,
  closed: true,
  turns: [{ user, assistant }],
  ...(accept && { accept }),
});

/**
 * Puts values into the slots of a template, with "a" or "an" as the value wants it; {^slot} begins with a capital letter.
 * A slot without a value stays.
 */
export function fill(template: string, slots: Readonly<Record<string, string>>): string {
  return template
    .replace(/\b([Aa]) \{(\w+)\}/g, (whole, article: string, slot: string) => {
      const value = slots[slot];
      return value === undefined ? whole : `${article}${/^[aeiou]/i.test(value) ? "n" : ""} ${value}`;
    })
    .replace(/\{(\^?)(\w+)\}/g, (whole, raised: string, slot: string) => {
      const value = slots[slot];
      return value === undefined ? whole : raised ? value.charAt(0).toUpperCase() + value.slice(1) : value;
    });
}

const politeBefore = ["Please", "Can you please", "Could you"];
const greetings = ["Hi!", "Hello!", "Hey,", "Hi,", "OK,", "So,", "Quick question:", "I have a question."];

/** Lower case, missing full stops and greetings, as in real messages. Only for texts without names that must be copied. */
export function vary(random: Random, text: string): string {
  let out = text;
  if (random.chance(0.08) && /^(Tell|Write|Give|Make|Explain|List|Name|Say)\b/.test(out)) {
    const polite = random.pick(politeBefore);
    out = `${polite} ${out.charAt(0).toLowerCase()}${out.slice(1)}`;
    if (polite !== "Please") out = out.replace(/\.$/, "?");
  } else if (random.chance(0.06)) {
    out = `${random.pick(greetings)} ${out}`;
  } else if (random.chance(0.04)) {
    out = `${out.replace(/[.?!]$/, "")}${random.pick([", please", " please", "?", " ?", "??", "!"])}`;
  }
  if (random.chance(0.15)) out = out.replace(/[.?!]+$/, "");
  if (random.chance(0.18)) out = out.toLowerCase();
  return out.trimEnd();
}
