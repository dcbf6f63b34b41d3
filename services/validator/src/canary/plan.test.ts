import { type AuditFlag, encodeRequest, microUsd, parseBody, utf8 } from "@depinfer/protocol";
import { describe, expect, test } from "vitest";
import { learnMix, type SeenRequest, textsOf } from "./mix.ts";
import { createPlanner } from "./plan.ts";
import {
  area,
  bootstrapInterval,
  crossValidated,
  KINDS,
  type Kind,
  type Sample,
  type Scored,
} from "./testing/classifiers.ts";
import { createPopulation, MODEL, type Visit } from "./testing/population.ts";
import { createRandom } from "./testing/random.ts";
import { wordsOf } from "./words.ts";

/*
 * Can a provider tell canaries from buyers by what it sees of them? The buyers here come from a process that has nothing
 * in common with the canaries' (`testing/population.ts`). Most of them are seen by the validator, as far as they are
 * public; the others are those from whom the canaries have to be told.
 */

const DAY_MS = 86_400_000;
/** Canaries in an hour: about as many identities as are looked at in the four weeks of the buyers. */
const PER_HOUR = 4;
const zero = `0x${"00".repeat(32)}` as const;
const prices = {
  inputPerMillion: microUsd(50_000n),
  cachedInputPerMillion: microUsd(12_500n),
  outputPerMillion: microUsd(200_000n),
};

/** What a provider can measure of one request, with what it knows of the key that asks. */
function features(visits: readonly Visit[]): number[][] {
  return visits.map(({ at, endpoint, body, audit }, index) => {
    const { generation, stream } = parseBody(endpoint, body);
    const texts = textsOf({ endpoint, body: JSON.parse(Buffer.from(body).toString()) }).map(({ text }) => text);
    const terms = {
      v: 1,
      requestId: zero,
      endpoint,
      classId: zero,
      channelId: zero,
      buyerNonce: zero,
      maxOutputTokens: generation.maxTokens ?? 512,
      prices,
      audit,
    } as const;
    const words = texts.reduce((sum, text) => sum + wordsOf(text).length, 0);
    const letters = texts.reduce((sum, text) => sum + text.length, 0);
    const [first] = visits;
    return [
      Math.log(encodeRequest({ terms, body }).length),
      Math.log(1 + words),
      letters / Math.max(1, words),
      texts.length,
      Math.log(terms.maxOutputTokens),
      generation.temperature,
      Number(stream),
      Number(generation.maxTokens === null),
      Number(endpoint === "chat"),
      Number(audit === "public"),
      Number(audit === "none"),
      Math.log(1 + (at - (visits[index - 1]?.at ?? at)) / 1_000),
      Math.log(1 + (at - (first?.at ?? at)) / 1_000),
      index,
      visits.length,
      Math.sin((2 * Math.PI * at) / DAY_MS),
      Math.cos((2 * Math.PI * at) / DAY_MS),
    ];
  });
}

/** Canaries over four weeks, by what was public of the buyers that were seen. */
function canaries(seen: readonly (readonly Visit[])[], keys: number, seed: number): Visit[][] {
  const random = createRandom(seed);
  const requests = seen.flatMap((visits, buyer): SeenRequest[] =>
    visits.map(({ at, endpoint, audit, body }) => ({
      buyer: String(buyer),
      at,
      endpoint,
      audit,
      body: audit === "public" ? Buffer.from(body).toString() : null,
    })),
  );
  const asked = new Set<string>();
  const isFresh = (text: string) => !asked.has(text) && asked.add(text).has(text);
  const planner = createPlanner(learnMix(requests, MODEL), { random, isFresh });
  let start = 0;
  return Array.from({ length: keys }, () => {
    start += planner.untilNext(start, PER_HOUR);
    let at = start;
    return planner.session().map((planned) => {
      at += planned.afterMs;
      return { ...planned, at };
    });
  });
}

/** One request of each key, so that samples are independent: the features of a random one. */
function samples(keys: readonly (readonly Visit[])[], label: 0 | 1, seed: number): Sample[] {
  const random = createRandom(seed);
  return keys.flatMap((visits) => {
    const rows = features(visits);
    const row = rows[Math.floor(random() * rows.length)];
    return row === undefined ? [] : [{ features: row, label }];
  });
}

const KEYS = 400;
/** Buyers that were seen for each identity. */
const SEEN = 6;
/** Populations that are drawn anew. One alone differs by chance from those that were seen, more than its interval says. */
const POPULATIONS = 5;

const worlds = Array.from({ length: POPULATIONS }, (_, index) => {
  const buyers = createPopulation((1 + SEEN) * KEYS, createRandom(100 * index + 1));
  const ours = canaries(buyers.slice(KEYS), KEYS, 100 * index + 2);
  return { heldOut: buyers.slice(0, KEYS), ours, seed: 100 * index };
});

function found(kind: Kind, { heldOut, ours, seed }: (typeof worlds)[number]): Scored[] {
  return crossValidated(
    kind,
    [...samples(heldOut, 0, seed + 3), ...samples(ours, 1, seed + 4)],
    createRandom(seed + 5),
  );
}

describe("by what a provider sees of them, canaries and buyers", () => {
  test.each(KINDS)(
    "cannot be told apart by %s",
    (kind) => {
      const scored = worlds.map((world) => found(kind, world));
      const [low, high] = bootstrapInterval(scored, createRandom(6));
      const areas = scored.map(area).join(", ");
      expect(low, areas).toBeLessThanOrEqual(0.5);
      expect(high, areas).toBeGreaterThanOrEqual(0.5);
      expect(high, areas).toBeLessThan(0.6);
    },
    60_000,
  );

  const tells: [string, (visits: readonly Visit[]) => Visit[]][] = [
    ["a rounded clock", (visits) => visits.map((visit) => ({ ...visit, at: Math.round(visit.at / 60_000) * 60_000 }))],
    ["always the same limit", (visits) => visits.map((visit) => ({ ...visit, body: withLimit(visit.body) }))],
    ["no public requests", (visits) => visits.map((visit) => ({ ...visit, audit: secret(visit.audit) }))],
    ["a fresh key for each request", (visits) => visits.slice(0, 1)],
  ];

  test.each(tells)("are told apart once the canaries have a tell: %s", (_name, plant) => {
    const highest = worlds
      .slice(0, 1)
      .flatMap((world) => KINDS.map((kind) => area(found(kind, { ...world, ours: world.ours.map(plant) }))))
      .reduce((best, value) => Math.max(best, value), 0);
    expect(highest).toBeGreaterThan(0.6);
  });
});

function withLimit(body: Uint8Array): Uint8Array {
  return utf8(JSON.stringify({ ...JSON.parse(Buffer.from(body).toString()), max_tokens: 64 }));
}

function secret(flag: AuditFlag): AuditFlag {
  return flag === "public" ? "validator" : flag;
}

test("no canary is asked twice, and every one is a request that the gateway would take", () => {
  const bodies = (worlds[0]?.ours ?? []).flat().map(({ endpoint, body }) => {
    expect(parseBody(endpoint, body).model).toBe(MODEL);
    return textsOf({ endpoint, body: JSON.parse(Buffer.from(body).toString()) })
      .map(({ text }) => text)
      .join("\n");
  });
  expect(new Set(bodies).size).toBe(bodies.length);
});

test("an identity keeps its instructions to the model from request to request", () => {
  const body = JSON.stringify({
    model: MODEL,
    messages: [
      { role: "system", content: "You are a patient teacher of a class of thirty." },
      { role: "user", content: "Why is the sky blue in the morning?" },
    ],
  });
  const requests = [0, 1, 2, 3].map(
    (at): SeenRequest => ({ buyer: "one", at: at * 1_000, endpoint: "chat", audit: "public", body }),
  );
  const random = createRandom(7);
  const session = createPlanner(learnMix(requests, MODEL), { random, isFresh: () => true }).session();
  const [instructions, questions] = [0, 1].map((index) =>
    session.map(
      (planned) => textsOf({ endpoint: "chat", body: JSON.parse(Buffer.from(planned.body).toString()) })[index]?.text,
    ),
  );
  expect(session).toHaveLength(4);
  expect(new Set(instructions).size).toBe(1);
  expect(new Set(questions).size).toBeGreaterThan(1);
});

test("with nothing public, or only what no gateway takes, a built-in habit stands in", () => {
  const random = createRandom(8);
  const hidden: SeenRequest = { buyer: "one", at: 0, endpoint: "chat", audit: "none", body: null };
  const broken: SeenRequest = { ...hidden, audit: "public", body: '{"model": 3}' };
  const other: SeenRequest = { ...hidden, audit: "public", body: '{"model":"other","messages":[]}' };
  for (const requests of [[], [hidden], [broken], [other]]) {
    const session = createPlanner(learnMix(requests, MODEL), { random, isFresh: () => true }).session();
    expect(session.map(({ audit }) => audit)).toEqual(["validator", "validator", "validator", "validator"]);
  }
});

test("identities begin as often as they shall, at the hours at which buyers do", () => {
  const requests = Array.from({ length: 200 }, (_, index): SeenRequest => {
    const body = JSON.stringify({ model: MODEL, messages: [{ role: "user", content: "Hello there!" }] });
    return {
      buyer: String(index),
      at: index * DAY_MS + 9.5 * 3_600_000,
      endpoint: "chat",
      audit: "public",
      body,
    };
  });
  const planner = createPlanner(learnMix(requests, MODEL), { random: createRandom(9), isFresh: () => true });
  const starts: number[] = [];
  for (let now = 0; now < 200 * DAY_MS; ) {
    now += planner.untilNext(now, 0.25);
    starts.push(now);
  }
  // A quarter of a request an hour is six a day, of one request each.
  expect(starts.length / 200).toBeGreaterThan(5.4);
  expect(starts.length / 200).toBeLessThan(6.6);
  const atNine = starts.filter((start) => Math.floor(start / 3_600_000) % 24 === 9).length;
  expect(atNine / starts.length).toBeGreaterThan(0.98);
});
