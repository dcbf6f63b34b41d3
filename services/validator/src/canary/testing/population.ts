import { type AuditFlag, utf8 } from "@depinfer/protocol";
import { normal } from "./random.ts";

/*
 * Synthetic buyers. Texts come from a grammar, sizes and gaps are log-normal, each buyer has its own settings, habits of
 * publicity and time zone. None of this is known to what plans canaries.
 */

export const MODEL = "words";

/** One request as a provider sees it arrive. */
export interface Visit {
  readonly at: number;
  readonly endpoint: "chat" | "completion";
  readonly body: Uint8Array;
  readonly audit: AuditFlag;
}

const SUBJECTS = ["the river", "my sister", "an engineer", "our garden", "a museum", "the old clock", "every teacher"];
const VERBS = ["explains", "finds", "repairs", "paints", "forgets", "measures", "describes", "remembers", "follows"];
const OBJECTS = ["a letter", "the small door", "two bridges", "the answer", "yesterday's news", "an apple", "the map"];
const TAILS = ["in winter", "without a word", "before noon", "for the third time", "as quickly as possible", "again"];
const OPENINGS = [
  "Please say why",
  "I wonder how",
  "Write about the day when",
  "Could you check whether",
  "Imagine that",
];
const SYSTEMS = ["Answer briefly.", "You are a helpful assistant for a small company.", "Use simple language only."];

const WEEKS_MS = 28 * 86_400_000;

export function createPopulation(buyers: number, random: () => number): Visit[][] {
  return Array.from({ length: buyers }, () => buyer(random));
}

function buyer(random: () => number): Visit[] {
  const completion = random() < 0.15;
  const system = random() < 0.4 ? one(SYSTEMS, random) : null;
  const temperature = one([null, 0, 0.7, 0.7, 1, 1.2], random);
  const limit = one([null, 64, 128, 256, 256, 1_024], random);
  const stream = random() < 0.5;
  const sentences = Math.exp(0.6 + 0.7 * normal(random));
  const publicity = one([0.3, 0.5, 1], random);
  const hidden = random() < 0.2 ? 0.5 : 0;
  const typicalGap = Math.exp(4 + 1.5 * normal(random)) * 1_000;
  const count = 1 + Math.floor(-Math.log(1 - random()) * 6);
  let at = dayTime(random);
  const visits: Visit[] = [];
  for (let i = 0; i < count; i++) {
    const turns = completion ? 1 : 1 + 2 * Math.floor(random() * random() * 3);
    const texts = Array.from({ length: turns }, () => text(sentences * Math.exp(0.3 * normal(random)), random));
    const settings = {
      ...(temperature === null ? {} : { temperature }),
      ...(limit === null ? {} : { max_tokens: limit }),
      ...(stream ? { stream } : {}),
    };
    const messages = [
      ...(system === null ? [] : [{ role: "system", content: system }]),
      ...texts.map((content, index) => ({ role: index % 2 === 0 ? "user" : "assistant", content })),
    ];
    const body = completion
      ? { model: MODEL, prompt: texts[0] ?? "", ...settings }
      : { model: MODEL, messages, ...settings };
    const audit = random() < publicity ? "public" : random() < hidden ? "none" : "validator";
    visits.push({
      at,
      endpoint: completion ? "completion" : "chat",
      body: utf8(JSON.stringify(body)),
      audit,
    });
    at += typicalGap * Math.exp(0.8 * normal(random));
  }
  return visits;
}

/** Some moment of four weeks, mostly around three in the afternoon. */
function dayTime(random: () => number): number {
  const day = Math.floor((random() * WEEKS_MS) / 86_400_000);
  const hour = 15 + 3.5 * normal(random);
  return day * 86_400_000 + (((hour % 24) + 24) % 24) * 3_600_000;
}

function text(sentences: number, random: () => number): string {
  const parts = Array.from({ length: Math.max(1, Math.round(sentences)) }, () => {
    const tail = random() < 0.6 ? ` ${one(TAILS, random)}` : "";
    return `${one(OPENINGS, random)} ${one(SUBJECTS, random)} ${one(VERBS, random)} ${one(OBJECTS, random)}${tail}.`;
  });
  return parts.join(" ");
}

function one<Value>(values: readonly Value[], random: () => number): Value {
  const value = values[Math.floor(random() * values.length)];
  if (value === undefined) {
    throw new RangeError("nothing to choose from");
  }
  return value;
}
