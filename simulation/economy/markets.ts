import { parseScenario, type Scenario, type ScenarioInput } from "./scenario.ts";

const market: Omit<ScenarioInput, "name" | "market"> = { providers: 10_000, utilisation: 0.6, memberFloor: 0.3 };
const pareto = { distribution: "pareto", alpha: 1.16, minimum: 1.5 } as const;

/** The markets that are compared: what others do, ours, and the cases that are hard for ours. */
export const MARKETS: Readonly<Record<string, Scenario>> = Object.fromEntries(
  Object.entries({
    stake: { name: "stake-weighted, Pareto 1.16 stakes", market: "stake", whale: { share: 0.3 } },
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
  } satisfies Record<string, Pick<ScenarioInput, "name" | "market"> & Partial<ScenarioInput>>).map(([key, input]) => [
    key,
    parseScenario({ ...market, ...input }),
  ]),
);
