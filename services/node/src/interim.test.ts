import { expect, test } from "vitest";
import { createInterim } from "./interim.ts";

test("a part is signed for once in 400 ms, and not before something was read and sent", () => {
  let time = 1_000;
  const interim = createInterim(time, () => time);
  time += 1_000;
  expect(interim.due(5)).toBeNull();
  interim.onPrompt({ promptTokens: 7 });
  expect(interim.due(0)).toBeNull();
  expect(interim.due(5)).toEqual({ promptTokens: 7, cachedTokens: 0, outputTokens: 5 });
  time += 399;
  expect(interim.due(6)).toBeNull();
  time += 1;
  expect(interim.due(6)).toEqual({ promptTokens: 7, cachedTokens: 0, outputTokens: 6 });
});
