import { microUsd, type Offer, type RuntimeClass } from "@depinfer/protocol";
import { describe, expect, test } from "vitest";
import { type RoutingState, route } from "./route.ts";

const word = `0x${"01".repeat(32)}` as const;
const runtimeClass: RuntimeClass = {
  weights: word,
  quantisation: "q8_0",
  tokenizer: word,
  chatTemplate: word,
  engine: "test",
  backend: "cpu",
  flashAttention: false,
  keyCache: "f16",
  valueCache: "f16",
  microBatch: 32,
  sampler: "gumbel-hmac-sha256-top64/1",
};

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
    runtimeClass,
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
      { model: "words", minProofLevel: "greedy", providers: allowed },
      { ...calm, excluded: (peerId) => (peerId === left.peerId ? "is left out for a moment: it lied" : undefined) },
    );
    expect(decision.chosen).toBe(chosen);
    expect(decision.rejected).toHaveLength(offers.length - 1);
    expect(reasonFor(other, decision)).toContain("was not drawn");
    expect(reasonFor(model, decision)).toBe("serves poems, not words");
    expect(reasonFor(level, decision)).toBe("its proof level is none, wanted is at least greedy");
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

describe("a demanded level of proof", () => {
  const words = { model: "words" } as const;

  test("is met by offers of that level and above", () => {
    const [greedy, seeded] = [offerOf({ proofLevel: "greedy" }), offerOf()];
    const policy = { ...words, minProofLevel: "greedy", temperature: 0 } as const;
    expect(route([greedy], policy, calm).chosen).toBe(greedy);
    expect(route([seeded], policy, calm).chosen).toBe(seeded);
  });

  test("is not met by greedy where tokens are drawn", () => {
    const greedy = offerOf({ proofLevel: "greedy" });
    for (const temperature of [{ temperature: 0.7 }, {}]) {
      const decision = route([greedy], { ...words, minProofLevel: "greedy", ...temperature }, calm);
      expect(decision.chosen).toBeUndefined();
      expect(reasonFor(greedy, decision)).toContain("holds at temperature 0 only");
    }
  });

  test("is not met by a claim that nobody can check", () => {
    const { runtimeClass: _, ...hidden } = offerOf();
    expect(route([hidden], words, calm).chosen).toBe(hidden);
    const decision = route([hidden], { ...words, minProofLevel: "seeded" }, calm);
    expect(decision.chosen).toBeUndefined();
    expect(reasonFor(hidden, decision)).toContain("hides its runtime class");
  });

  test("is not met by a simulation, unless that is allowed", () => {
    const simulated = offerOf({ proofLevel: "attested-SIMULATED" });
    const policy = { ...words, minProofLevel: "attested" } as const;
    const state = { ...calm, attestationFault: () => undefined };
    const decision = route([simulated], policy, state);
    expect(decision.chosen).toBeUndefined();
    expect(reasonFor(simulated, decision)).toContain("unless simulated attestation is allowed");
    expect(route([simulated], { ...policy, allowSimulatedAttestation: true }, state).chosen).toBe(simulated);
  });

  test("of attested is met only by a quote that was checked", () => {
    const attested = offerOf({ proofLevel: "attested" });
    const policy = { ...words, minProofLevel: "attested" } as const;
    expect(reasonFor(attested, route([attested], policy, calm))).toContain("nothing here can check quotes");
    const doubted = route([attested], policy, { ...calm, attestationFault: () => "its collateral expired" });
    expect(reasonFor(attested, doubted)).toBe("its quote is not accepted: its collateral expired");
    expect(route([attested], policy, { ...calm, attestationFault: () => undefined }).chosen).toBe(attested);
    expect(route([attested], { ...words, minProofLevel: "seeded" }, calm).chosen).toBe(attested);
  });
});
