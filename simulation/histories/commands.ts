import { type Arbitrary, array, boolean, constant, constantFrom, integer, oneof, record } from "fast-check";

/** One thing that happens in a history. Plain data, so that a failing history can be kept as a file. */
export type Command = { readonly wait: boolean } & (
  | { readonly do: "request"; readonly cost: number; readonly end: "answer" | "fail" | "cancel" }
  | {
      readonly do:
        | "flush"
        | "settle"
        | "watch"
        | "withdraw"
        | "finish"
        | "cut"
        | "leave"
        | "loseAnswer"
        | "outage"
        | "back";
    }
  | { readonly do: "reorg"; readonly blocks: number }
  | { readonly do: "wait"; readonly seconds: number }
  | {
      readonly do: "crash";
      readonly who: "buyer" | "provider";
      /** How many points it still passes. */
      readonly after: number;
      readonly powerLoss: boolean;
    }
  | { readonly do: "lie"; readonly lie: Lie }
);

/** What a peer may say that is not so. */
export const LIES = [
  "voucherOfStranger",
  "voucherAboveDeposit",
  "voucherOfOtherChain",
  "voucherReplayed",
  "voucherCompact",
  "receiptInvented",
  "receiptTooDear",
] as const;
export type Lie = (typeof LIES)[number];

export interface History {
  /** Decides the order in which what waits goes on. */
  readonly seed: number;
  /** What the provider adds to each receipt; an honest one nothing. */
  readonly overcharge: number;
  readonly commands: readonly Command[];
}

const wait = boolean();

const command: Arbitrary<Command> = oneof(
  {
    weight: 14,
    arbitrary: record({
      do: constant("request" as const),
      cost: integer({ min: 1, max: 400 }),
      end: constantFrom("answer" as const, "answer" as const, "fail" as const, "cancel" as const),
      wait,
    }),
  },
  {
    weight: 5,
    arbitrary: record({ do: constantFrom("flush", "settle", "watch", "withdraw", "finish", "cut", "leave"), wait }),
  },
  { weight: 2, arbitrary: record({ do: constantFrom("loseAnswer", "outage", "back"), wait }) },
  { weight: 1, arbitrary: record({ do: constant("reorg" as const), blocks: integer({ min: 1, max: 4 }), wait }) },
  { weight: 1, arbitrary: record({ do: constant("wait" as const), seconds: constantFrom(1, 70, 400, 901), wait }) },
  {
    weight: 3,
    arbitrary: record({
      do: constant("crash" as const),
      who: constantFrom("buyer" as const, "provider" as const),
      after: integer({ min: 1, max: 14 }),
      powerLoss: boolean(),
      wait,
    }),
  },
  { weight: 1, arbitrary: record({ do: constant("lie" as const), lie: constantFrom(...LIES), wait }) },
);

export const history: Arbitrary<History> = record({
  seed: integer({ min: 0, max: 2 ** 31 - 1 }),
  overcharge: oneof({ weight: 5, arbitrary: constant(0) }, { weight: 1, arbitrary: integer({ min: 1, max: 50 }) }),
  commands: array(command, { minLength: 1, maxLength: 12 }),
});
