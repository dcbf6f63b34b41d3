/** The hand-written questions of probe.txt as conversations for evaluation. */
import { block, readBlocks } from "./blocks.ts";
import type { Conversation } from "./conversation.ts";
import { topics } from "./network.ts";
import { exchangeAnswers, refusals } from "./smalltalk.ts";

const answersOf = (heading: string): readonly string[] => {
  const topic = topics.find(({ name }) => heading === `network ${name}`);
  if (topic) return topic.answers;
  if (heading === "refusal") return refusals;
  return heading.startsWith("small talk ") ? exchangeAnswers(heading.slice("small talk ".length)) : [];
};

export function probes(): Conversation[] {
  const blocks = readBlocks("probe");
  return [...blocks.keys()].flatMap((heading) => {
    const known = answersOf(heading);
    const task = ["network", "small talk"].find((name) => heading.startsWith(`${name} `)) ?? heading;
    return block(blocks, heading)
      .lines("ask")
      .flatMap((line) => line.split(" | "))
      .map((item): Conversation => {
        const [user = "", answer = ""] = item.split(" >").map((side) => side.trim());
        const accept = answer === "" ? known : [answer];
        return { task, closed: true, turns: [{ user, assistant: accept[0] ?? "" }], accept, seen: false };
      });
  });
}
