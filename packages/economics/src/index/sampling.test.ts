import { expect, test } from "vitest";
import { createRandom, type SampledLayer, sampledIndex } from "../index.ts";

const even = (count: number, each: number) => Float64Array.from({ length: count }, () => each);
/** `entities` alike, each with `requests` requests of one unit. */
const market = (entities: number, requests: number): SampledLayer => ({
  name: "revenue",
  target: 100,
  amounts: even(entities, requests),
  squares: even(entities, requests),
});
const random = () => createRandom(1, "test");

test("the figure is that of the amounts, and its interval narrows with more requests", () => {
  const [few, many] = [sampledIndex([market(30, 5)], random()), sampledIndex([market(30, 50_000)], random())];
  // Ten of thirty have a third, which is more than 33 %: x = ln 10 / ln 100.
  expect(many.index).toBeCloseTo(50, 10);
  expect(few.index).toBeCloseTo(50, 10);
  const width = ({ interval }: typeof few) => (interval === null ? Number.NaN : interval.high - interval.low);
  expect(width(few)).toBeGreaterThan(width(many));
  expect(many.interval).toEqual({ low: expect.closeTo(50, 6), high: expect.closeTo(50, 6) });
});

test("the interval holds the index of most samples of a market that is known", () => {
  // Twenty owners of 5 % each: seven have more than 33 %. Samples of 2,000 requests scatter around it.
  const truth = (100 * Math.log(7)) / Math.log(100);
  const draw = createRandom(7, "requests");
  let held = 0;
  for (let sample = 0; sample < 100; sample++) {
    const amounts = even(20, 0);
    for (let request = 0; request < 2_000; request++) {
      const owner = Math.floor(draw() * 20);
      amounts[owner] = (amounts[owner] ?? 0) + 1;
    }
    const { interval } = sampledIndex([{ name: "revenue", target: 100, amounts, squares: amounts.slice() }], random());
    held += interval !== null && interval.low - 1e-9 <= truth && truth <= interval.high + 1e-9 ? 1 : 0;
  }
  expect(held).toBeGreaterThanOrEqual(90);
});

test("what is counted whole has no interval", () => {
  const counted = { name: "capacity", target: 100, amounts: even(30, 1) };
  expect(sampledIndex([counted], random())).toMatchObject({ interval: null, scoreIntervals: [null] });
  const both = sampledIndex([counted, market(30, 50)], random());
  expect(both.interval).not.toBeNull();
  expect(both.scoreIntervals[0]).toBeNull();
});

test("without data there is neither figure nor interval", () => {
  expect(sampledIndex([market(0, 0)], random())).toMatchObject({ index: null, interval: null, scoreIntervals: [null] });
  expect(sampledIndex([], random())).toMatchObject({ index: null, interval: null });
});

test("the same numbers give the same interval", () => {
  expect(sampledIndex([market(30, 5)], random())).toEqual(sampledIndex([market(30, 5)], random()));
});
