/** Short passages about invented people, questions about them, and answers that copy from the passage. */
import { type Block, block, readBlocks } from "./blocks.ts";
import { type Conversation, fill, type Turn } from "./conversation.ts";
import type { Random } from "./random.ts";
import { draw, pronounsOf, type Slots } from "./slots.ts";
import { phrasings, type Split } from "./split.ts";
import { capital, colours, weekdays } from "./words.ts";

const blocks = readBlocks("reading");
const frames = block(blocks, "frames").items("ask");
const unknown = block(blocks, "unknown").items("ask");
const forms = [...blocks.values()].filter(({ name }) => name !== "frames" && name !== "unknown");

interface Fact {
  form: Block;
  slots: Slots;
  text: string;
}

/** The slots of facts, beside names and pronouns. */
const plain = ["o", "c", "p", "at", "w", "j", "C", "f", "a", "m", "s", "k", "x"];
/** Values that any number of facts may have. */
const shared = new Set([...colours, ...weekdays, "he", "she", "his", "her", "him"]);

/** Values for all slots that no fact of the passage has used yet, so that questions stay unambiguous. */
function slotsOf(random: Random, split: Split, used: string[]): Slots {
  const who = pronounsOf(random, split, used);
  const friend = pronounsOf(random, split, [...used, who.n ?? ""]);
  const slots: Record<string, string> = { ...who, q: friend.n ?? "" };
  for (const slot of plain) {
    let fresh = draw(random, split, slot);
    for (let attempt = 0; attempt < 10 && used.includes(fresh); attempt++) fresh = draw(random, split, slot);
    slots[slot] = fresh;
  }
  used.push(...Object.values(slots).filter((text) => !shared.has(text)));
  return slots;
}

function createFact(random: Random, split: Split, form: Block, used: string[]): Fact {
  const slots = slotsOf(random, split, used);
  return { form, slots, text: capital(fill(random.pick(phrasings(form.items("text"), split)), slots)) };
}

interface Question {
  task: string;
  question: string;
  answer: string;
}

/** A question whose wrong detail comes from another fact if one has it, so that both occur in the passage. */
function check(random: Random, split: Split, facts: readonly Fact[], chosen: Fact): Question {
  const { left, right: slot } = random.pick(chosen.form.pairs("check"));
  const template = random.pick(left);
  if (random.chance(0.5)) return { task: "yes or no", question: fill(template, chosen.slots), answer: "Yes." };
  const right = chosen.slots[slot];
  const inPassage = facts.flatMap(({ slots, text }) => (text.includes(slots[slot] ?? "\0") ? [slots[slot] ?? ""] : []));
  const others = (random.chance(0.5) ? inPassage : []).filter((other) => other !== right);
  let wrong = others.length > 0 ? random.pick(others) : draw(random, split, slot);
  while (wrong === right) wrong = draw(random, split, slot);
  return { task: "yes or no", question: fill(template, { ...chosen.slots, [slot]: wrong }), answer: "No." };
}

/** All answers that the passage gives to a question: only questions with one answer are asked. */
function answers(facts: readonly Fact[], question: string): Set<string> {
  const found = new Set<string>();
  for (const { form, slots } of facts)
    for (const { left, right } of form.pairs("ask"))
      if (left.some((template) => fill(template, slots) === question)) found.add(fill(right, slots));
  return found;
}

function ask(random: Random, split: Split, facts: readonly Fact[]): Question {
  const chosen = random.pick(facts);
  const kind = random.next();
  if (kind < 0.2) return check(random, split, facts, chosen);
  if (kind < 0.27) {
    return {
      task: "reading",
      question: fill(random.pick(phrasings(unknown, split)), chosen.slots),
      answer: "The text does not say.",
    };
  }
  for (let attempt = 0; attempt < 20; attempt++) {
    const { left, right } = random.pick(chosen.form.pairs("ask"));
    const question = fill(random.pick(phrasings(left, split)), chosen.slots);
    const pronoun = /\b(he|she|it|they|there)\b/.test(question) && facts.length > 1;
    if (!pronoun && answers(facts, question).size === 1) {
      return { task: "reading", question, answer: fill(right, chosen.slots) };
    }
  }
  return check(random, split, facts, chosen);
}

export function reading(random: Random, split: Split): Conversation {
  const used: string[] = [];
  const count = random.weighted([
    [4, 1],
    [5, 2],
    [3, 3],
    [1, 4],
  ]);
  const same = random.chance(0.25) ? random.pick(forms) : undefined;
  const facts = Array.from({ length: count }, () => createFact(random, split, same ?? random.pick(forms), used));
  const passage = facts.map(({ text }) => text).join(" ");
  const first = ask(random, split, facts);
  const frame = fill(random.pick(phrasings(frames, split)), { text: passage, question: first.question });
  const turns: Turn[] = [{ user: frame, assistant: first.answer }];
  let last = first;
  for (
    let left = random.weighted([
      [6, 0],
      [3, 1],
      [1, 2],
    ]);
    left > 0;
    left--
  ) {
    last = ask(random, split, facts);
    turns.push({ user: last.question, assistant: last.answer });
  }
  return { task: last.task, closed: true, turns };
}
