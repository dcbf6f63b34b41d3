import { expect, test } from "vitest";
import { agreedContracts } from "./contract-addresses.ts";

const A = `0x${"aa".repeat(20)}` as const;
const B = `0x${"bb".repeat(20)}` as const;
const EVIL = `0x${"ee".repeat(20)}` as const;
const INDEXER = { testUsd: A, passes: B };

test("addresses that all agree on are used, also where the page's host names none", () => {
  expect(agreedContracts(INDEXER, INDEXER, B)).toEqual(INDEXER);
  expect(agreedContracts(null, INDEXER, null)).toEqual(INDEXER);
});

test("one who names another contract stops it", () => {
  for (const [page, indexer, gateway] of [
    [{ ...INDEXER, passes: EVIL }, INDEXER, B],
    [{ ...INDEXER, testUsd: EVIL }, INDEXER, B],
    [INDEXER, { ...INDEXER, passes: EVIL }, B],
    [null, INDEXER, EVIL],
  ] as const) {
    expect(() => agreedContracts(page, indexer, gateway)).toThrow(
      expect.objectContaining({ code: "money.contractsDiffer" }),
    );
  }
});

test("the word of the page's host alone is not enough", () => {
  expect(() => agreedContracts(INDEXER, null, null)).toThrow(
    expect.objectContaining({ code: "money.contractsUnknown" }),
  );
});
