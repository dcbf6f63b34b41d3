import { describe, expect, it } from "vitest";
import { closed } from "../corpus/conversation.ts";
import { loops, score } from "./score.ts";

const says = (text: string) => ({ reply: async () => ({ text, tokens: 3, ended: true }) });

describe("scoring", () => {
  it("counts the expected answer and its alternatives as right", async () => {
    const conversations = [
      closed("copy", "Say a", "a"),
      { ...closed("copy", "Say", "b", ["a"]), seen: true },
      closed("sum", "1+1", "2."),
    ];
    const summary = await score(says("a"), conversations);
    expect(summary.tasks).toEqual({ copy: { right: 2, of: 2, seen: 1 }, sum: { right: 0, of: 1, seen: 0 } });
    expect(summary.unseen).toEqual({ right: 1, of: 2, seen: 0 });
    expect(summary.mistakes).toHaveLength(1);
  });

  it("asks whether a story names its hero", async () => {
    const story = { task: "story", closed: false, turns: [{ user: "a fox", assistant: "" }], mentions: "fox" };
    expect((await score(says("The fox slept."), [story])).mentions.right).toBe(1);
    expect((await score(says("The owl slept."), [story])).mentions.right).toBe(0);
  });

  it("sees loops of three words or more", () => {
    expect(loops("and so on and so on and so on")).toBe(true);
    expect(loops("no no no")).toBe(false);
  });
});
