import { expect, test } from "vitest";
import { KIND_LIST, KINDS, placeOf, readPlace } from "./places.ts";

const ADDRESS = `0x${"ab".repeat(20)}`;
const BYTES32 = `0x${"cd".repeat(32)}`;
const EXAMPLES: Readonly<Record<string, string>> = {
  receipt: BYTES32,
  request: BYTES32,
  provider: ADDRESS,
  validator: ADDRESS,
  account: ADDRESS,
  channel: BYTES32,
  epoch: `${ADDRESS}/12`,
  tx: BYTES32,
  block: "0",
  dispute: BYTES32,
  pass: "1",
  model: "a/b c%<script>#?é",
  class: BYTES32,
};

test("every kind's place reads back as what it was made of", () => {
  expect(KIND_LIST).toHaveLength(13);
  for (const kind of KIND_LIST) {
    const id = EXAMPLES[kind] ?? "";
    expect(readPlace(placeOf(kind, id))).toEqual({ at: "thing", kind, id });
  }
});

test("ids in capitals and with blanks around them are understood; names are kept as they are", () => {
  expect(readPlace(`/explorer/receipt/${BYTES32.toUpperCase().replace("0X", "0x")}%20`)).toEqual({
    at: "thing",
    kind: "receipt",
    id: BYTES32,
  });
  expect(readPlace("/explorer/model/Tiny")).toEqual({ at: "thing", kind: "model", id: "Tiny" });
});

test("what is no id or no kind is told apart from what is not there", () => {
  expect(readPlace("/explorer")).toEqual({ at: "search" });
  expect(readPlace("/explorer/")).toEqual({ at: "search" });
  expect(readPlace("/explorer/toString/1")).toEqual({ at: "badKind", kind: "toString" });
  expect(readPlace("/explorer/receipt/0x12")).toMatchObject({ at: "badId", kind: "receipt" });
  expect(readPlace("/explorer/epoch/0x12")).toMatchObject({ at: "badId" });
  expect(readPlace("/explorer/pass/0")).toMatchObject({ at: "badId" });
  expect(readPlace("/explorer/block/-1")).toMatchObject({ at: "badId" });
  expect(readPlace("/explorer/model/%E0%A4%A")).toEqual({ at: "thing", kind: "model", id: "%E0%A4%A" });
  expect(readPlace("/explorer/dispute")).toMatchObject({ at: "badId", id: "" });
});

test("every kind says what its ids look like and why one may be absent", () => {
  for (const { looks, absent } of Object.values(KINDS)) {
    expect(looks.length).toBeGreaterThan(5);
    expect(absent).toMatch(/\.$/);
  }
});
