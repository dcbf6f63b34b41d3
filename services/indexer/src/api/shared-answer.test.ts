import { expect, test } from "vitest";
import { createSharedAnswer } from "./shared-answer.ts";

test("who asks at about the same time shares one answer, and who asks later gets a new one", async () => {
  let now = 0;
  let worked = 0;
  const shared = createSharedAnswer<number>(() => now);
  const work = async () => ++worked;
  expect(await Promise.all([shared(work), shared(work), shared(work)])).toEqual([1, 1, 1]);
  now = 999;
  expect(await shared(work)).toBe(1);
  now = 1_000;
  expect(await shared(work)).toBe(2);
});

test("a failure is told to those who waited for it and to nobody after them", async () => {
  const shared = createSharedAnswer<number>(() => 0);
  await expect(shared(() => Promise.reject(new Error("away")))).rejects.toThrow("away");
  expect(await shared(async () => 7)).toBe(7);
});
