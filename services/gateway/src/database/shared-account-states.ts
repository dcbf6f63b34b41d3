import { type AccountStates, accountStateSchema, NOTHING_COUNTED } from "../limits/account-state.ts";
import { textValue } from "./columns.ts";
import type { SharedDatabase } from "./postgres.ts";

/** Counts that many gateways share. The row of an account is locked while one of them changes it. */
export function sharedAccountStates(database: SharedDatabase): AccountStates {
  return {
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
}
