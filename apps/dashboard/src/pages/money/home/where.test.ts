import { microUsd } from "@depinfer/protocol";
import { expect, test } from "vitest";
import { byService, faultOf, type Position, sharesOf } from "./where.ts";

function position(service: string, keeper: Position["keeper"], amount: bigint): Position {
  const account = `0x${"aa".repeat(20)}` as const;
  return {
    service,
    account,
    keeper,
    place: "",
    amount: microUsd(amount),
    unlocksAt: null,
    noticeSeconds: null,
    frees: "",
  };
}

const POSITIONS = [
  position("gateway", "wallet", 3n),
  position("gateway", "channels", 1n),
  position("provider", "wallet", 4n),
];

test("what is where adds up, and what holds nothing is left out", () => {
  const shares = sharesOf(POSITIONS);
  expect(shares.map(({ name, units, share }) => [name, units, share])).toEqual([
    ["In wallets", 7n, 0.875],
    ["In channels", 1n, 0.125],
  ]);
  expect(sharesOf([])).toEqual([]);
  expect(sharesOf([position("x", "wallet", 0n)])).toEqual([]);
});

test("services keep their order and their sums", () => {
  expect(byService(POSITIONS).map(({ service, units }) => [service, units])).toEqual([
    ["gateway", 4n],
    ["provider", 4n],
  ]);
});

test("money that does not add up is said to be wrong", () => {
  const keeper = { keeper: "channels", held: microUsd(1n), ours: microUsd(1n), rest: "" };
  const supply = { total: microUsd(10n), keepers: [keeper, { ...keeper, keeper: "elsewhere", held: microUsd(3n) }] };
  const money = { total: microUsd(8n), positions: POSITIONS, supply };
  expect(faultOf(money)).toBeNull();
  expect(faultOf({ ...money, total: microUsd(9n) })).toContain("add up to 8");
  expect(faultOf({ ...money, supply: { ...supply, total: microUsd(7n) } })).toContain("are not the 7 that exist");
  const short = [
    { ...keeper, held: microUsd(0n) },
    { ...keeper, keeper: "elsewhere", held: microUsd(4n) },
  ];
  expect(faultOf({ ...money, supply: { ...supply, keepers: short } })).toContain("holds 0 units and owes 1");
});
