import { type AccountStates, accountStateSchema, NOTHING_COUNTED } from "../limits/account-state.ts";
import { textValue } from "./columns.ts";
import type { SharedDatabase } from "./postgres.ts";

/** States that a gateway can look for by seat. */
export interface SharedAccountStates extends AccountStates {
  /** Puts what a seat's journal shows in place of what its former owner had promised, in every account. */
  settleSeat(seat: string, used: (account: string) => bigint): Promise<void>;
}

/** Counts that many gateways share. The row of an account is locked while one of them changes it. */
export function sharedAccountStates(database: SharedDatabase): SharedAccountStates {
  const states: SharedAccountStates = {
    async settleSeat(seat, used) {
      const rows = await database.query(
        "SELECT name FROM gateway_accounts WHERE jsonb_exists(state::jsonb -> 'promised', $1)",
        [seat],
      );
      for (const row of rows) {
        const account = textValue(row, "name");
        await states.change(account, (state) => ({
          state: { ...state, promised: { ...state.promised, [seat]: used(account).toString() } },
          result: null,
        }));
      }
    },
    change: (account, work) =>
      database.transaction(async (query) => {
        await query("INSERT INTO gateway_accounts VALUES ($1, $2) ON CONFLICT DO NOTHING", [
          account,
          JSON.stringify(NOTHING_COUNTED),
        ]);
        const [row] = await query("SELECT state FROM gateway_accounts WHERE name = $1 FOR UPDATE", [account]);
        const before = accountStateSchema.parse(JSON.parse(textValue(row ?? {}, "state")));
        const { state, result } = work(before);
        await query("UPDATE gateway_accounts SET state = $2 WHERE name = $1", [account, JSON.stringify(state)]);
        return result;
      }),
  };
  return states;
}
