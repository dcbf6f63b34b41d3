import { assert, asyncProperty } from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { history } from "./commands.ts";
import { createDiskFolder } from "./disk.ts";
import { keptFailures } from "./kept-failures.ts";
import { createHistories } from "./run-history.ts";

/*
 * Buyer and provider as they are, on journals as they are, against a chain, a network, a disk and a clock that are models:
 * whatever happens in whatever order, nobody's money is lost, doubled or stuck. A history that fails is printed by
 * fast-check as small as it gets; add it to failures.json.
 */

const folder = createDiskFolder();
const run = createHistories(folder.path);
afterAll(folder.remove);

/** Each seed is a test of its own, so that a run that is cut short says how far it came. */
const PARTS = 10;
const HISTORIES = 10_000;

test("histories that failed once hold", async () => {
  for (const kept of keptFailures()) {
    expect((await run(kept)).faults).toEqual([]);
  }
});

describe("money", () => {
  test.each(Array.from({ length: PARTS }, (_, index) => index + 1))(
    "is conserved, paid once and never stuck, whatever happens, part %i",
    async (seed) => {
      let answers = 0;
      let crashes = 0;
      await assert(
        asyncProperty(history, async (one) => {
          const outcome = await run(one);
          answers += outcome.answers;
          crashes += outcome.crashes;
          expect(outcome.faults).toEqual([]);
        }),
        { numRuns: HISTORIES / PARTS, seed, endOnFailure: false },
      );
      // Histories in which nothing happens would hold as well.
      expect(answers).toBeGreaterThan(HISTORIES / PARTS);
      expect(crashes).toBeGreaterThan(HISTORIES / PARTS / 10);
    },
    60_000,
  );
});
