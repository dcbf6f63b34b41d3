import { expect, test } from "vitest";
import { createWorkQueue } from "./queue.ts";

const never = new AbortController().signal;

test("work is done one piece at a time and in order, and everybody knows how many go first", async () => {
  const queue = createWorkQueue(8);
  const done: number[] = [];
  const places = new Map<number, number[]>();
  let atWork = 0;
  await Promise.all(
    [0, 1, 2, 3].map((index) =>
      queue.run(
        async () => {
          atWork += 1;
          expect(atWork).toBe(1);
          await new Promise((resolve) => setImmediate(resolve));
          done.push(index);
          atWork -= 1;
        },
        (ahead) => places.set(index, [...(places.get(index) ?? []), ahead]),
        never,
      ),
    ),
  );
  expect(done).toEqual([0, 1, 2, 3]);
  expect(places.get(0)).toEqual([0]);
  expect(places.get(3)).toEqual([3, 2, 1, 0]);
});

test("a full queue takes nobody, and has room again when somebody is done", async () => {
  const queue = createWorkQueue(1);
  const gate = Promise.withResolvers<void>();
  const ignore = () => undefined;
  const first = queue.run(() => gate.promise, ignore, never);
  const second = queue.run(async () => "second", ignore, never);
  await expect(queue.run(async () => "third", ignore, never)).rejects.toMatchObject({ code: "verify.busy" });
  gate.resolve();
  await first;
  expect(await second).toBe("second");
  expect(await queue.run(async () => "fourth", ignore, never)).toBe("fourth");
});

test("who goes away while waiting leaves the place, and what fails holds nobody up", async () => {
  const queue = createWorkQueue(2);
  const gate = Promise.withResolvers<void>();
  const ignore = () => undefined;
  const first = queue.run(() => gate.promise, ignore, never);
  const gone = new AbortController();
  let ran = false;
  const second = queue.run(
    async () => {
      ran = true;
    },
    ignore,
    gone.signal,
  );
  const third = queue.run(async () => "third", ignore, never);
  gone.abort(new Error("gone"));
  await expect(second).rejects.toThrow("gone");
  gate.reject(new Error("failed"));
  await expect(first).rejects.toThrow("failed");
  expect(await third).toBe("third");
  expect(ran).toBe(false);
  await expect(queue.run(async () => "never", ignore, AbortSignal.abort(new Error("already")))).rejects.toThrow(
    "already",
  );
});
