import { microUsd, type Offer } from "@depinfer/protocol";
import { describe, expect, test } from "vitest";
import { type RoutingState, route } from "./route.ts";

let names = 0;
function offerOf(changes: Partial<Offer> = {}): Offer {
  names += 1;
  const account = `0x${names.toString(16).padStart(40, "0")}` as const;
  return {
    v: 1,
    peerId: `peer-${names}`,
    addresses: [],
    provider: account,
    receiptKey: account,
    model: "words",
    classId: `0x${"01".repeat(32)}`,
    proofLevel: "seeded",
    prices: { inputPerMillion: microUsd(1), cachedInputPerMillion: microUsd(1), outputPerMillion: microUsd(1) },
    contextLength: 100,
    slots: 1,
    idleSlots: 1,
    region: "test",
    sequence: 1,
    issuedAt: 1,
    expiresAt: 2,
    ...changes,
  };
}

const calm: RoutingState = { inFlight: () => 0, excluded: () => undefined, random: () => 0 };
const reasonFor = (offer: Offer, { rejected }: ReturnType<typeof route>) =>
  rejected.find(({ provider }) => provider === offer.provider)?.reason;

describe("routing", () => {
  test("finds a model by its name or by its class", () => {
    const offer = offerOf();
    expect(route([offer], { model: "words" }, calm).chosen).toBe(offer);
    expect(route([offer], { model: offer.classId }, calm).chosen).toBe(offer);
    expect(route([offer], { model: "other" }, calm).chosen).toBeUndefined();
  });

  test("says of every provider but the chosen one why it was not chosen", () => {
    const [chosen, other, model, level, named, slotless, left] = [
      offerOf(),
      offerOf(),
      offerOf({ model: "poems", classId: `0x${"02".repeat(32)}` }),
      offerOf({ proofLevel: "none" }),
      offerOf(),
      offerOf({ slots: 0 }),
      offerOf(),
    ];
    const offers = [chosen, other, model, level, named, slotless, left];
    const allowed = offers.filter((offer) => offer !== named).map(({ provider }) => provider);
    const decision = route(
      offers,
      { model: "words", proofLevels: ["seeded", "greedy"], providers: allowed },
      { ...calm, excluded: (peerId) => (peerId === left.peerId ? "is left out for a moment: it lied" : undefined) },
    );
    expect(decision.chosen).toBe(chosen);
    expect(decision.rejected).toHaveLength(offers.length - 1);
    expect(reasonFor(other, decision)).toContain("was not drawn");
    expect(reasonFor(model, decision)).toBe("serves poems, not words");
    expect(reasonFor(level, decision)).toBe("its proof level is none, wanted is seeded or greedy");
    expect(reasonFor(named, decision)).toBe("is not among the providers that the request allows");
    expect(reasonFor(slotless, decision)).toBe("offers no slots");
    expect(reasonFor(left, decision)).toBe("is left out for a moment: it lied");
  });

  test("goes to a free slot as long as there is one", () => {
    const [busy, free] = [offerOf({ slots: 9 }), offerOf()];
    const state = { ...calm, inFlight: (peerId: string) => (peerId === busy.peerId ? 9 : 0) };
    for (const random of [0, 0.5, 0.99]) {
      const decision = route([busy, free], { model: "words" }, { ...state, random: () => random });
      expect(decision.chosen).toBe(free);
      expect(reasonFor(busy, decision)).toBe("all 9 slots are at work");
    }
  });

  test("queues at the least loaded provider when every slot is taken", () => {
    const [full, fuller] = [offerOf(), offerOf()];
    const state = { ...calm, inFlight: (peerId: string) => (peerId === full.peerId ? 1 : 3) };
    const draws = [0, 0.9];
    const random = () => draws.shift() ?? 0;
    expect(route([full, fuller], { model: "words" }, { ...state, random }).chosen).toBe(full);
  });

  test("draws a provider with three slots three times as often as one with one", () => {
    const [small, large] = [offerOf(), offerOf({ slots: 3 })];
    let state = 1;
    const random = () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    };
    let drawn = 0;
    for (let i = 0; i < 4_000; i++) {
      drawn += route([small, large], { model: "words" }, { ...calm, random }).chosen === large ? 1 : 0;
    }
    expect(drawn).toBeGreaterThan(2_800);
    expect(drawn).toBeLessThan(3_200);
  });
});
