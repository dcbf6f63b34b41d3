import { type AuditFlag, errorCode, parseBody, utf8 } from "@depinfer/protocol";
import { z } from "zod";
import { CORPUS, INSTRUCTION } from "./corpus.ts";
import { learnWords, type WordModel, wordsOf } from "./words.ts";

/** One request of a stranger as anybody can know it. */
export interface SeenRequest {
  /** The account that pays: one buyer, at however many providers. */
  readonly buyer: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly endpoint: "chat" | "completion";
  readonly audit: AuditFlag;
  /** The app's JSON where the buyer lets everybody see it; null otherwise. */
  readonly body: string | null;
}

/** A body whose texts are replaced and whose every other member is kept as the app wrote it. */
export interface Template {
  readonly endpoint: "chat" | "completion";
  readonly body: Readonly<Record<string, unknown>>;
}

/** How one buyer asks. */
export interface Habit {
  /** Milliseconds between its requests, in order; one fewer than there are requests. */
  readonly gapsMs: readonly number[];
  /** One for each request. */
  readonly flags: readonly AuditFlag[];
  /** Its public requests; none where it makes none public. */
  readonly templates: readonly Template[];
}

/** How buyers ask, as far as anybody can know it. */
export interface Mix {
  readonly habits: readonly Habit[];
  /** Public requests of each buyer that has any, for habits that have none of their own. */
  readonly donors: readonly (readonly Template[])[];
  /** Share of buyers that begin in each hour of the day, UTC; 24 numbers that add up to 1. */
  readonly hours: readonly number[];
  /** What users and models say. */
  readonly words: WordModel;
  /** What models are told to be. */
  readonly instructions: WordModel;
}

const bodySchema = z.record(z.string(), z.unknown());
/** Buyers added to each hour, so that an hour in which nobody was seen yet stays possible. */
const HOUR_PRIOR = 0.05;
/** Words of public requests from which texts can be written without the corpus. */
const ENOUGH_WORDS = 2_000;
const HOURS = 24;
const HOUR_MS = 3_600_000;

/**
 * Learns how buyers of a model ask. When and how often they ask is known of all of them, and has to be taken from all:
 * buyers of whom something is public ask more often than others. Bodies are known of some only, and stand in for those
 * of the others. As long as nothing is public, a built-in habit stands in for everybody.
 */
export function learnMix(seen: readonly SeenRequest[], model: string): Mix {
  const buyers = Map.groupBy(seen, ({ buyer }) => buyer);
  const habits: Habit[] = [];
  const hours = Array.from({ length: HOURS }, () => HOUR_PRIOR);
  for (const requests of buyers.values()) {
    const ordered = requests.toSorted((a, b) => a.at - b.at);
    const hour = Math.floor((ordered[0]?.at ?? 0) / HOUR_MS) % HOURS;
    hours[hour] = (hours[hour] ?? 0) + 1;
    habits.push({
      gapsMs: ordered.slice(1).map(({ at }, index) => at - (ordered[index]?.at ?? at)),
      flags: ordered.map(({ audit }) => audit),
      templates: ordered.flatMap((request) => templateOf(request, model) ?? []),
    });
  }
  const donors = habits.map(({ templates }) => templates).filter((templates) => templates.length > 0);
  const known = donors.length > 0 ? { habits, donors } : firstMix(model);
  const texts = donors.flat().flatMap(textsOf);
  const total = hours.reduce((sum, share) => sum + share, 0);
  return {
    ...known,
    hours: hours.map((share) => share / total),
    words: learnWords(enough(texts.flatMap(({ role, text }) => (isInstruction(role) ? [] : [text])))),
    instructions: learnWords([...texts.flatMap(({ role, text }) => (isInstruction(role) ? [text] : [])), INSTRUCTION]),
  };
}

/** The texts, with the corpus where they are too few to write much from: its words are not those of the buyers. */
function enough(texts: readonly string[]): readonly string[] {
  return texts.reduce((sum, text) => sum + wordsOf(text).length, 0) < ENOUGH_WORDS ? [...texts, ...CORPUS] : texts;
}

function templateOf({ endpoint, body }: SeenRequest, model: string): Template | undefined {
  if (body === null) {
    return undefined;
  }
  try {
    if (parseBody(endpoint, utf8(body)).model !== model) {
      return undefined;
    }
  } catch (error) {
    // What a provider showed is no request that anybody could have bought.
    if (errorCode(error).startsWith("request.")) {
      return undefined;
    }
    throw error;
  }
  return { endpoint, body: bodySchema.parse(JSON.parse(body)) };
}

const message = z.looseObject({ role: z.string(), content: z.string() });

export interface RoleText {
  readonly role: string;
  readonly text: string;
}

/** The texts of a body that a canary replaces. */
export function textsOf({ body: { prompt, messages } }: Template): RoleText[] {
  if (typeof prompt === "string") {
    return [{ role: "user", text: prompt }];
  }
  return Array.isArray(messages)
    ? messages.flatMap((entry) => {
        const parsed = message.safeParse(entry);
        return parsed.success ? [{ role: parsed.data.role, text: parsed.data.content }] : [];
      })
    : [];
}

/** The body with its texts replaced, and nothing else. */
export function withTexts(
  body: Template["body"],
  rewrite: (text: RoleText) => string,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => {
      if (name === "prompt" && typeof value === "string") {
        return [name, rewrite({ role: "user", text: value })];
      }
      if (name !== "messages" || !Array.isArray(value)) {
        return [name, value];
      }
      const messages = value.map((entry: unknown) => {
        const parsed = message.safeParse(entry);
        return parsed.success
          ? { ...parsed.data, content: rewrite({ role: parsed.data.role, text: parsed.data.content }) }
          : entry;
      });
      return [name, messages];
    }),
  );
}

export function isInstruction(role: string): boolean {
  return role === "system" || role === "developer";
}

/** For a network in which nobody has made a request public yet: one short conversation at the usual settings. */
function firstMix(model: string): Pick<Mix, "habits" | "donors"> {
  const templates = CORPUS.slice(0, 8).map(
    (content, index): Template => ({
      endpoint: "chat",
      body: {
        model,
        messages: [{ role: "user", content }],
        temperature: index % 2 === 0 ? 0.7 : 1,
        max_tokens: 128 + 64 * (index % 3),
      },
    }),
  );
  const flags = ["validator", "validator", "validator", "validator"] as const;
  return { habits: [{ gapsMs: [20_000, 45_000, 90_000], flags, templates }], donors: [templates] };
}
