import { type AuditScenario, parseAuditScenario } from "./audits/audit-scenario.ts";
import { type EpochScenario, parseEpochScenario } from "./epochs/epoch-scenario.ts";
import { parseScenario, type Scenario, type ScenarioInput } from "./scenario.ts";

const market: Omit<ScenarioInput, "name" | "market"> = { providers: 10_000, utilisation: 0.6, memberFloor: 0.3 };
const pareto = { distribution: "pareto", alpha: 1.16, minimum: 1.5 } as const;

/** The markets that are compared: what others do, ours, and the cases that are hard for ours. */
export const MARKETS: Readonly<Record<string, Scenario>> = Object.fromEntries(
  Object.entries({
    stake: { name: "stake-weighted, Pareto 1.16 stakes", market: "stake", whale: { share: 0.3 } },
    stakeLater: {
      name: "the same after 5 years",
      market: "stake",
      whale: { share: 0.3 },
      compounding: { years: 5, inflation: 0.1, runningCost: 0.1 },
    },
    likeForLike: { name: "like for like: weight = capacity", market: "capacity", whale: { share: 0.3 } },
    undetected: { name: "ours, whale undetected", market: "slots", whale: { share: 0.3 } },
    forged: { name: "ours, 1,000 forged memberships", market: "slots", whale: { share: 0.3, forgedMembers: 1_000 } },
    clustered: {
      name: "ours, clustered, 5 % cap",
      market: "slots",
      whale: { share: 0.3, detected: true },
      ownerCap: 0.05,
    },
    half: { name: "hard: a whale of half", market: "slots", whale: { share: 0.5 } },
    halfClustered: {
      name: "hard: a whale of half, 5 % cap",
      market: "slots",
      whale: { share: 0.5, detected: true },
      ownerCap: 0.05,
    },
    tail: { name: "hard: Pareto-1.16 capacity", market: "slots", whale: { share: 0.3 }, capacity: pareto },
    tailClustered: {
      name: "hard: Pareto-1.16 capacity, 5 % cap",
      market: "slots",
      whale: { share: 0.3, detected: true },
      ownerCap: 0.05,
      capacity: pareto,
    },
    wash: {
      name: "hard: wash trader, what others buy",
      market: "slots",
      whale: { share: 0.3 },
      adversary: { kind: "wash", ownWork: 0.1 },
    },
    dumper: {
      name: "hard: dumper, while it lasts",
      market: "slots",
      whale: { share: 0.3 },
      adversary: { kind: "dumper", price: 0.5, cost: 0.7, capitalPerSlot: 6 },
    },
    churner: {
      name: "hard: churner",
      market: "slots",
      whale: { share: 0.3 },
      adversary: { kind: "churner", stays: 20, away: 5, names: 1_000 },
    },
  } satisfies Record<string, Pick<ScenarioInput, "name" | "market"> & Partial<ScenarioInput>>).map(([key, input]) => [
    key,
    parseScenario({ ...market, ...input }),
  ]),
);

const epochs = { market: "epochs", agents: 10_000, epochs: 1_000, whaleShare: 0.3 } as const;

/** Markets over epochs: who earns buys capacity. */
export const EPOCH_MARKETS: Readonly<Record<string, EpochScenario>> = {
  epochsFloor: parseEpochScenario({ ...epochs, name: "ours, φ = 0.3" }),
  epochsCapacity: parseEpochScenario({ ...epochs, name: "like for like: φ = 0", memberFloor: 0 }),
  epochsTail: parseEpochScenario({ ...epochs, name: "ours, Pareto-1.16 capacity", capacity: pareto }),
};

/** Validators of whom some collude, from none to more than half. */
export const AUDITS: Readonly<Record<string, AuditScenario>> = Object.fromEntries(
  [0, 0.1, 0.2, 0.3, 0.34, 0.4, 0.5, 0.6, 0.7].map((colluding) => [
    `audits${Math.round(100 * colluding)}`,
    parseAuditScenario({
      name: `${Math.round(100 * colluding)} % collude`,
      market: "audits",
      colluding,
      receipts: 100,
    }),
  ]),
);
