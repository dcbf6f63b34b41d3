import fc from "fast-check";
import { expect, test } from "vitest";
import { createAnswerText } from "./answer-text.ts";

/** Tokens are bytes here, which splits characters in every possible way. */
const detokenize = (tokens: readonly number[]) => new TextDecoder().decode(Uint8Array.from(tokens));

function run(text: string, stop: readonly string[]): { pieces: string[]; stopped: boolean } {
  const answer = createAnswerText(detokenize, [], stop);
  const pieces: string[] = [];
  for (const byte of new TextEncoder().encode(text)) {
    pieces.push(answer.push(byte));
  }
  pieces.push(answer.flush());
  return { pieces, stopped: answer.stopped };
}

test("text comes out whole, however characters are split", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 40 }), (text) => {
      expect(run(text, []).pieces.join("")).toBe(text);
    }),
  );
});

test("half a character is never shown", () => {
  expect(run("a🦊b", []).pieces).toEqual(["a", "", "", "", "🦊", "b", ""]);
});

test("text ends before the first stop sequence", () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[abc ]{0,30}$/),
      fc.array(fc.stringMatching(/^[abc]{1,3}$/), { minLength: 1, maxLength: 3 }),
      (text, stop) => {
        const first = Math.min(...stop.map((sequence) => text.indexOf(sequence)).filter((at) => at >= 0), text.length);
        const { pieces, stopped } = run(text, stop);
        // Of two sequences that overlap, the one that is complete first may begin later.
        const shown = pieces.join("");
        expect(text.startsWith(shown)).toBe(true);
        expect(stopped).toBe(stop.some((sequence) => text.includes(sequence)));
        expect(stop.some((sequence) => shown.includes(sequence))).toBe(false);
        if (!stopped) {
          expect(shown).toBe(text.slice(0, first));
        }
      },
    ),
  );
});

test("what may become a stop sequence is held back until it is decided", () => {
  expect(run("one ENone END", ["END"]).pieces.filter((piece) => piece !== "")).toEqual([
    "o",
    "n",
    "e",
    " ",
    "ENo",
    "n",
    "e",
    " ",
  ]);
});
