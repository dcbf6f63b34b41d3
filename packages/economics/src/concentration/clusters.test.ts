import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { amountsOfClusters, clusterIdentities, type Identity, nakamotoCoefficient } from "../index.ts";

const idsOf = (identities: readonly Identity[]) => clusterIdentities(identities).map(({ ids }) => ids);

describe("identities are one entity", () => {
  test("by a shared payout account, and the evidence says so", () => {
    const [cluster, ...others] = clusterIdentities([
      { id: "a", payout: "0x1" },
      { id: "b", payout: "0x2" },
      { id: "c", payout: "0x1" },
    ]);
    expect(cluster).toEqual({
      id: "a",
      ids: ["a", "c"],
      evidence: [{ kind: "payout", value: "0x1", ids: ["a", "c"] }],
    });
    expect(others).toEqual([{ id: "b", ids: ["b"], evidence: [] }]);
  });

  test("by the owner that they declare, and through a third", () => {
    expect(
      idsOf([
        { id: "a", owner: "acme" },
        { id: "b", owner: "acme", payout: "0x1" },
        { id: "c", payout: "0x1" },
        { id: "d" },
      ]),
    ).toEqual([["a", "b", "c"], ["d"]]);
  });

  test("by network and timing together, by neither alone", () => {
    const times = [100, 500, 900, 1_300];
    const near = times.map((time) => time + 2);
    expect(
      idsOf([
        { id: "a", network: "AS1", transitions: times },
        { id: "b", network: "AS1", transitions: near },
      ]),
    ).toEqual([["a", "b"]]);
    expect(
      idsOf([
        { id: "a", network: "AS1", transitions: times },
        { id: "b", network: "AS2", transitions: near },
      ]),
    ).toEqual([["a"], ["b"]]);
    const far = times.map((time) => time + 60);
    expect(
      idsOf([
        { id: "a", network: "AS1", transitions: times },
        { id: "b", network: "AS1", transitions: far },
      ]),
    ).toEqual([["a"], ["b"]]);
    expect(
      idsOf([
        { id: "a", network: "AS1", transitions: [1] },
        { id: "b", network: "AS1", transitions: [1] },
      ]),
    ).toEqual([["a"], ["b"]]);
  });
});

test("every identity is in exactly one cluster, whatever is shared", () => {
  const identity = fc.record({
    payout: fc.option(fc.constantFrom("p", "q", "r"), { nil: undefined }),
    owner: fc.option(fc.constantFrom("x", "y"), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(identity, { maxLength: 20 }), (found) => {
      const identities = found.map(({ payout, owner }, index) => ({
        id: `i${index}`,
        ...(payout === undefined ? {} : { payout }),
        ...(owner === undefined ? {} : { owner }),
      }));
      const clusters = clusterIdentities(identities);
      expect(clusters.flatMap(({ ids }) => ids).sort()).toEqual(identities.map(({ id }) => id).sort());
      for (const { ids, evidence } of clusters) {
        expect(evidence.length > 0).toBe(ids.length > 1);
      }
    }),
  );
});

test("splitting an entity into many identities changes nothing once they are clustered", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 2, maxLength: 8 }),
      fc.integer({ min: 2, max: 12 }),
      (owned, parts) => {
        const whole = owned.map((amount, owner) => ({ id: `o${owner}`, payout: `p${owner}`, amount }));
        const split = whole.flatMap(({ payout, amount }) =>
          Array.from({ length: parts }, (_, part) => ({ id: `${payout}-${part}`, payout, amount: amount / parts })),
        );
        const figure = (identities: readonly { id: string; payout: string; amount: number }[]) =>
          nakamotoCoefficient(
            [
              ...amountsOfClusters(
                clusterIdentities(identities),
                new Map(identities.map(({ id, amount }) => [id, amount])),
              ).values(),
            ],
            0.33,
          );
        expect(figure(split)).toBe(figure(whole));
      },
    ),
  );
});
