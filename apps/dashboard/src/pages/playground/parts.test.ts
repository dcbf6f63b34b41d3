import { expect, test } from "vitest";
import { partsOf } from "./parts.ts";

const attempt = { peer: "p", at: 0, outcome: "answered", others: [] };

test("an answer that another node went on with has a part for each", () => {
  const parts = partsOf("0x1", [
    { ...attempt, request: "0x0", kind: "first", provider: "0xa" },
    { ...attempt, request: "0x1", kind: "retry", provider: "0xb" },
    { ...attempt, request: "0x2", kind: "continuation", provider: "0xc" },
    { ...attempt, request: "0x2", kind: "continuation", provider: "0xc" },
    { ...attempt, request: null, kind: "continuation", provider: "0xd" },
  ]);
  expect(parts).toEqual([
    { id: "0x1", provider: "0xb" },
    { id: "0x2", provider: "0xc" },
  ]);
});
