import { type Generation, PLAIN_SAMPLING } from "@depinfer/protocol";

export const MAX_TOKENS = 100;

const WHO = ["fox", "dragon", "baker", "robot", "whale", "painter", "sailor", "rabbit", "clock", "cloud"];
const WHAT = ["a brave", "a lonely", "a clever", "a tired", "a tiny", "an old", "a loud", "a hungry"];

/** Up to 80 prompts whose answers differ. */
export function promptsOf(count: number): Generation[] {
  const pairs = WHO.flatMap((who) => WHAT.map((what) => `Tell me a short story about ${what} ${who}.`));
  return pairs.slice(0, count).map((content) => ({
    ...PLAIN_SAMPLING,
    prompt: { messages: [{ role: "user", content }] },
    temperature: 0,
    seed: null,
    stop: [],
    maxTokens: MAX_TOKENS,
  }));
}
