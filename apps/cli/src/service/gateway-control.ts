import type { Buyer } from "@depinfer/client";
import { type Keys, keySettingsSchema, type PassDesk, statementOf } from "@depinfer/gateway";
import { type Hex, microUsdSchema } from "@depinfer/protocol";
import { z } from "zod";
import { type ControlMethods, withParameters } from "./control.ts";

const budget = microUsdSchema.nullable();
const name = z.string();
const passId = z
  .string()
  .regex(/^[1-9]\d{0,17}$/)
  .transform(BigInt);
/** Newest requests that are looked at; older ones have ended. */
const MOST_UNDER_WAY = 1_000;

/** What the command line asks of a gateway: its keys, their budgets and passes, and what was spent. */
export function gatewayControl({
  buyer,
  keys,
  passes,
}: {
  readonly buyer: Buyer;
  readonly keys: Keys;
  readonly passes: Pick<PassDesk, "remaining">;
}): ControlMethods {
  return {
    /** What of each channel is signed away or set aside for requests under way. */
    channels() {
      const reserved = new Map<Hex, bigint>();
      for (const request of buyer.requests(MOST_UNDER_WAY)) {
        reserved.set(request.channelId, (reserved.get(request.channelId) ?? 0n) + request.reserved);
      }
      return buyer.channels().map(({ id, provider, owed, settled }) => ({
        id,
        with: provider,
        vouchered: owed.toString(),
        inFlight: (reserved.get(id) ?? 0n).toString(),
        settled: settled.toString(),
      }));
    },
    /** The key's text, which nobody can read again. */
    createKey: withParameters(
      z.strictObject({ name, budget, settings: keySettingsSchema.optional() }),
      ({ settings = {}, ...asked }) => keys.create(asked.name, asked.budget, settings),
    ),
    listKeys: async () => (await keys.list()).map((key) => ({ ...key, ...buyer.account(key.name) })),
    setSettings: withParameters(z.strictObject({ name, settings: keySettingsSchema }), (asked) =>
      keys.setSettings(asked.name, asked.settings),
    ),
    setBudget: withParameters(z.strictObject({ name, budget }), (asked) => keys.setBudget(asked.name, asked.budget)),
    revokeKey: withParameters(z.strictObject({ name }), (asked) => keys.revoke(asked.name)),
    bindPass: withParameters(
      z.strictObject({
        name,
        pass: passId.nullable(),
      }),
      (asked) => keys.bindPass(asked.name, asked.pass),
    ),
    /** Tokens left of a pass, as this gateway counts them. */
    passRemaining: withParameters(z.strictObject({ pass: passId }), async (asked) =>
      (await passes.remaining(asked.pass)).toString(),
    ),
    /** Of one account, or of all. Times are ms since 1970; all of time by default. */
    statement: withParameters(
      z.strictObject({ account: name.optional(), since: z.int().min(0).optional(), until: z.int().min(0).optional() }),
      ({ account, since = 0, until = Date.now() + 1 }) =>
        statementOf(buyer, { since, until, ...(account === undefined ? {} : { account }) }),
    ),
  };
}
