import { z } from "zod";

const bucket = z.strictObject({ level: z.number(), at: z.number() });
const units = z.string().regex(/^\d{1,19}$/);

/** What is counted of an account, over all gateways that share it. */
export const accountStateSchema = z.strictObject({
  requests: bucket.optional(),
  tokens: bucket.optional(),
  /** Requests at work, by the process that does them. */
  working: z.record(z.string(), z.int().min(0)).default({}),
  /** Most units that each seat may have spent, in decimal. */
  promised: z.record(z.string(), units).default({}),
});
export type AccountState = z.output<typeof accountStateSchema>;

/** Changes the state of an account, one change at a time over all gateways. What `work` throws undoes it. */
export interface AccountStates {
  change<Result>(account: string, work: (state: AccountState) => Changed<Result>): Promise<Result>;
}

export interface Changed<Result> {
  readonly state: AccountState;
  readonly result: Result;
}

export const NOTHING_COUNTED: AccountState = { working: {}, promised: {} };

/** Counts of this process alone. They begin anew with it: rates are of minutes, and money is in the journal. */
export function localAccountStates(): AccountStates {
  const states = new Map<string, AccountState>();
  return {
    async change(account, work) {
      const { state, result } = work(states.get(account) ?? NOTHING_COUNTED);
      states.set(account, state);
      return result;
    },
  };
}
