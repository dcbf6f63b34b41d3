import { describe, expect, it } from "vitest";
import { expand, parseBlocks } from "./blocks.ts";
import type { Conversation } from "./conversation.ts";
import { conversation, main, start } from "./mixture.ts";
import { topics } from "./network.ts";
import { probes } from "./probe.ts";
import { createRandom } from "./random.ts";
import { normalise, phrasings, type Split } from "./split.ts";

function make(split: Split, count: number, seed = 1): Conversation[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => conversation(random, split, main));
}
const lastMessage = ({ turns }: Conversation): string => normalise(turns.at(-1)?.user ?? "");

describe("the corpus", () => {
  it("is the same for the same seed", () => {
    expect(make("train", 500)).toEqual(make("train", 500));
    expect(make("train", 500)).not.toEqual(make("train", 500, 2));
  });

  it("leaves no slot empty", () => {
    const random = createRandom(3);
    const first = Array.from({ length: 1000 }, () => conversation(random, "train", start));
    const texts = [...make("train", 4000), ...make("test", 1000), ...first].flatMap(({ turns }) =>
      turns.flatMap(({ user, assistant }) => [user, assistant]),
    );
    for (const text of texts) expect(text, text).not.toMatch(/\{\^?\w+\}|undefined|^\s|\s$/);
  });

  it("keeps held-out phrasings out of training", () => {
    const known = new Set(make("train", 20_000).flatMap(({ turns }) => turns.map(({ user }) => normalise(user))));
    for (const task of ["network", "follow-up", "small talk", "refusal", "extraction", "sentiment"]) {
      const held = make("test", 4000, 5).filter((made) => made.task === task);
      const seen = held.filter((made) => known.has(lastMessage(made)));
      expect(held.length, task).toBeGreaterThan(50);
      expect(seen.length / held.length, task).toBeLessThan(0.05);
    }
  });

  it("gives each phrasing to one split", () => {
    for (const { asks } of topics) {
      const splits = (["train", "dev", "test"] as const).map((split) => phrasings(asks, split));
      const whole = splits.every((items) => items.length < asks.length);
      if (whole) expect(splits.flat().sort()).toEqual([...asks].sort());
    }
  });

  it("has an answer for every hand-written question", () => {
    for (const { turns } of probes()) expect(turns[0]?.assistant, turns[0]?.user).not.toBe("");
  });
});

describe("text blocks", () => {
  it("writes out alternatives", () => {
    expect(expand("What (is/was) it(?/ now?)")).toEqual([
      "What is it?",
      "What is it now?",
      "What was it?",
      "What was it now?",
    ]);
    expect(expand("Tell (me/) now.")).toEqual(["Tell me now.", "Tell now."]);
  });

  it("reads keys, items and answers", () => {
    const found = parseBlocks("A comment.\n[one]\nask a | b\nask c > d\n\n[two]\nsay x | y").get("one");
    expect(found?.pairs("ask")[1]).toEqual({ left: ["c"], right: "d" });
    expect(found?.groups("ask")[0]).toEqual(["a", "b"]);
  });
});
