/** Extraction of named fields from a sentence, as JSON. */
import { readBlocks } from "./blocks.ts";
import { type Conversation, closed, fill } from "./conversation.ts";
import type { Random } from "./random.ts";
import { form } from "./skills.ts";
import { fillDrawn } from "./slots.ts";
import { phrasings, type Split } from "./split.ts";
import { joinAnd } from "./words.ts";

const records = [...readBlocks("records").values()].map(({ items, pairs }) => ({
  sentences: items("text"),
  fields: pairs("field").map(({ left: [key = ""], right: slot }) => ({ key, slot })),
}));

/** Fields that are numbers in the JSON. */
const numeric = new Set(["age", "price", "count"]);

export function extraction(random: Random, split: Split): Conversation {
  const { sentences, fields } = random.pick(records);
  const a = String(random.int(2, 40)); // never a word here: it must be a number in the JSON
  const { text, slots } = fillDrawn(random, split, random.pick(phrasings(sentences, split)), { a });
  const wanted = random.chance(0.5) ? fields : random.some(fields, random.int(1, fields.length));
  const keys = wanted.map(({ key }) => key);
  const json = wanted.map(
    ({ key, slot }) => `"${key}": ${numeric.has(key) ? slots[slot] : JSON.stringify(slots[slot])}`,
  );
  const user = fill(form(random, "extraction", split), {
    keys: random.chance(0.5) ? joinAnd(keys) : keys.join(", "),
    text,
  });
  return closed("extraction", user, `{${json.join(", ")}}`);
}
