/** How replies are counted. */
import { readFileSync } from "node:fs";
import type { Conversation } from "../corpus/conversation.ts";
import { parseConversation } from "../corpus/parse.ts";
import { dialogue, type Engine } from "./engine.ts";

/** Replies that equal the expected answer or one of its accepted alternatives. */
export interface Tally {
  right: number;
  of: number;
  /** How many of them end with a message that training contains word for word. */
  seen: number;
}

export interface Summary {
  conversations: number;
  closed: Tally;
  /** Only those whose message training does not contain. */
  unseen: Tally;
  tasks: Record<string, Tally>;
  /** Open replies that should name something: a story its hero. */
  mentions: Tally;
  ended: number;
  looped: number;
  /** Mean length of the replies to open tasks, in tokens. */
  openTokens: number;
  mistakes: string[];
}

/** True if some run of at least three words is said three times in a row. */
export const loops = (text: string): boolean => /((?:\S+\s+){3,})\1\1/.test(`${text} `);

export const readConversations = (path: string, limit = Number.POSITIVE_INFINITY): Conversation[] =>
  readFileSync(path, "utf8").trimEnd().split("\n").slice(0, limit).map(parseConversation);

const empty = (): Tally => ({ right: 0, of: 0, seen: 0 });

function count(tally: Tally, right: boolean, seen: boolean | undefined): void {
  tally.of++;
  tally.right += right ? 1 : 0;
  tally.seen += seen ? 1 : 0;
}

/** Earlier turns are given as they should be; only the last answer is the model's. */
export async function score(
  engine: Pick<Engine, "reply">,
  conversations: readonly Conversation[],
  temperature = 0,
): Promise<Summary> {
  const tasks: Record<string, Tally> = {};
  const [closed, unseen, mentions] = [empty(), empty(), empty()];
  const mistakes: string[] = [];
  let [ended, looped, open, openTokens] = [0, 0, 0, 0];
  for (const [i, conversation] of conversations.entries()) {
    const { messages, expected } = dialogue(conversation);
    const reply = await engine.reply(messages, { temperature, seed: i + 1 });
    ended += reply.ended ? 1 : 0;
    looped += loops(reply.text) ? 1 : 0;
    const { task, accept, seen, mentions: word } = conversation;
    if (!conversation.closed) {
      open++;
      openTokens += reply.tokens;
      if (word) count(mentions, reply.text.includes(word), seen);
      continue;
    }
    const right = reply.text === expected || (accept?.includes(reply.text) ?? false);
    tasks[task] ??= empty();
    count(tasks[task], right, seen);
    count(closed, right, seen);
    if (!seen) count(unseen, right, false);
    const question = JSON.stringify(messages.at(-1)?.text);
    if (!right)
      mistakes.push(`[${task}] ${question} -> ${JSON.stringify(reply.text)}, expected ${JSON.stringify(expected)}`);
  }
  const conversationCount = conversations.length;
  return {
    conversations: conversationCount,
    closed,
    unseen,
    tasks,
    mentions,
    ended,
    looped,
    openTokens: openTokens / Math.max(1, open),
    mistakes,
  };
}
