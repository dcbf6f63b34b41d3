import type { Buyer } from "@depinfer/client";
import { microUsd } from "@depinfer/protocol";

/** The buyer of each seat of a process: its own, which buys, and those of seats that it looks after. */
export interface SeatedBuyers {
  readonly own: Buyer;
  /** In any order; they pay what is owed, take back what is left and are asked nothing. */
  adopted(): readonly Buyer[];
}

/** One buyer over all seats of a process: it buys with its own and answers for all. */
export function seatedBuyer({ own, adopted }: SeatedBuyers): Buyer {
  const all = () => [own, ...adopted()];
  return {
    ...own,
    async stop() {
      await Promise.all(all().map((buyer) => buyer.stop()));
    },
    request: (id) => first(all(), (buyer) => buyer.request(id)),
    requests: (limit, of) =>
      all()
        .flatMap((buyer) => buyer.requests(limit, of))
        .sort((a, b) => b.startedAt - a.startedAt || (a.id < b.id ? 1 : -1))
        .slice(0, limit),
    transcript: (id) => first(all(), (buyer) => buyer.transcript(id)),
    story: (id) => first(all(), (buyer) => buyer.story(id)),
    spent: (account) => microUsd(all().reduce((sum, buyer) => sum + buyer.spent(account), 0n)),
    account(name) {
      const totals = all().map((buyer) => buyer.account(name));
      return {
        spent: microUsd(totals.reduce((sum, { spent }) => sum + spent, 0n)),
        reserved: microUsd(totals.reduce((sum, { reserved }) => sum + reserved, 0n)),
      };
    },
    async absorb(id) {
      await all()
        .find((buyer) => buyer.request(id) !== undefined)
        ?.absorb(id);
    },
    statement: (query) => all().flatMap((buyer) => buyer.statement(query)),
    channels: () => all().flatMap((buyer) => buyer.channels()),
    withdraw(channelId) {
      const holder = all().find((buyer) => buyer.channels().some(({ id }) => id === channelId));
      return (holder ?? own).withdraw(channelId);
    },
    async finishWithdrawals() {
      const reports = await Promise.all(all().map((buyer) => buyer.finishWithdrawals()));
      return {
        closed: reports.flatMap(({ closed }) => closed),
        waiting: reports.flatMap(({ waiting }) => waiting),
        returned: reports.reduce((sum, { returned }) => sum + returned, 0n),
      };
    },
    money() {
      const sums = all().map((buyer) => buyer.money());
      return {
        deposited: sums.reduce((sum, { deposited }) => sum + deposited, 0n),
        owed: sums.reduce((sum, { owed }) => sum + owed, 0n),
        channels: sums.reduce((sum, { channels }) => sum + channels, 0),
      };
    },
  };
}

function first<Value>(buyers: readonly Buyer[], of: (buyer: Buyer) => Value | undefined): Value | undefined {
  for (const buyer of buyers) {
    const value = of(buyer);
    if (value !== undefined) {
      return value;
    }
  }
  return undefined;
}
