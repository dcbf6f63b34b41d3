import type { Chain } from "@depinfer/chain";
import type { RouteTable } from "@depinfer/gateway/http";
import { type MoneyOverview, moneyOf } from "../money/overview.ts";
import { keptFor } from "../money/positions.ts";
import { walletsOf } from "../money/wallets.ts";
import { sendJson } from "./answer.ts";
import { requireThisMachine } from "./guard.ts";

/** Some pages ask at once, and each answer takes dozens of calls to the chain. */
const FRESH_MS = 1_500;

/** `GET /api/money`: what `depinfer money where` shows, for browsers on this machine. */
export function moneyRoute(chain: Chain, home: string, now: () => number = Date.now): RouteTable {
  let last: { readonly at: number; readonly view: Promise<object> } | undefined;

  async function look(): Promise<object> {
    return viewOf(await moneyOf(chain, await walletsOf(home)));
  }

  return {
    "/api/money": {
      async GET(request, response) {
        requireThisMachine(request);
        if (last === undefined || now() - last.at > FRESH_MS) {
          const view = look();
          last = { at: now(), view };
          view.catch(() => {
            last = undefined;
          });
        }
        sendJson(response, 200, await last.view);
      },
    },
  };
}

/** As `moneySchema` has it: times in ms, and words for what is not this home's. */
function viewOf({ now, positions, supply, ...rest }: MoneyOverview): object {
  return {
    ...rest,
    now: now * 1_000,
    positions: positions.map(({ unlocksAt, notice, ...position }) => ({
      ...position,
      unlocksAt: unlocksAt === undefined ? null : unlocksAt * 1_000,
      noticeSeconds: notice ?? null,
    })),
    supply: {
      total: supply.total,
      keepers: supply.keepers.map((kept) => ({ ...kept, rest: keptFor(kept.keeper) })),
    },
  };
}
