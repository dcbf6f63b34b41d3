import { DepinferError, errorMessage, type Hex } from "@depinfer/protocol";
import { gatewayApi, type PassUseTerms } from "@depinfer/protocol/api";
import { call, type Server } from "../../../api/call.ts";
import { usd } from "../../../format/money.ts";
import { dateTime } from "../../../format/time.ts";
import type { ChainAccess } from "../wallet/access.ts";
import { priceChanged } from "./arithmetic.ts";
import type { Step } from "./flow.ts";

/** What deals with passes need: the chain, the contracts, and how they are spoken to. */
export interface Trade {
  readonly access: ChainAccess;
  readonly contracts: { readonly testUsd: Hex; readonly passes: Hex };
  /** `contracts.ts`, which is loaded with the wallet. */
  readonly encoding: typeof import("../wallet/contracts.ts");
  readonly gateway: Server;
}

/** Approves the price, buys, and signs what lets the pass pay for this key. */
export function buyPlan(
  trade: Trade,
  tier: { readonly id: bigint; readonly price: bigint },
  use: PassUseTerms,
): readonly Step[] {
  const { access, contracts, encoding } = trade;
  const { account } = access;
  let before: readonly bigint[] | undefined;
  let bought: bigint | null = null;
  const held = () => access.read(contracts.passes, encoding.read.passesOf(account));

  const buy: Step = {
    id: "buy",
    title: "Buy the pass",
    signs: `A transaction: buy of tier ${tier.id} for at most ${usd(tier.price)}, to be used through ${use.operator}. That gateway can put the pass's money into channels with providers; the refund is yours alone.`,
    costs: tier.price,
    estimate: null,
    async run({ transact, note }) {
      // An answer that got lost on the way must not buy twice.
      const known = before;
      const found = known === undefined ? undefined : (await held()).find((id) => !known.includes(id));
      before ??= await held();
      if (found === undefined) {
        const data = encoding.write.buy(tier.id, use, tier.price);
        const { logs } = await transact({ to: contracts.passes, data });
        bought = encoding.boughtPass(logs, contracts.passes);
      } else {
        bought = found;
      }
      note(`Pass ${bought ?? ""} is yours`);
    },
  };
  return [
    approval(trade, tier.price, async () => {
      const { price } = await access.read(contracts.passes, encoding.read.tier(tier.id));
      if (price !== tier.price) {
        throw priceChanged(tier.price, price);
      }
    }),
    buy,
    signature(trade, use, () => bought),
  ];
}

/** Lets a pass that one has already pay for this key. */
export function usagePlan(trade: Trade, pass: bigint, use: PassUseTerms, named: boolean): readonly Step[] {
  const { contracts, encoding } = trade;
  const data = encoding.write.setOperator(pass, use);
  const name: Step = {
    id: "name",
    title: "Name this gateway",
    signs: `A transaction: pass ${pass} is to be used through ${use.operator} from now on.`,
    costs: null,
    estimate: () => trade.access.estimate({ to: contracts.passes, data }),
    run: async ({ transact }) => void (await transact({ to: contracts.passes, data })),
  };
  return [...(named ? [] : [name]), signature(trade, use, () => pass)];
}

/** Pays for one more period. */
export function renewPlan(trade: Trade, pass: bigint, price: bigint): readonly Step[] {
  const { access, contracts, encoding } = trade;
  let before: number | undefined;
  const renew: Step = {
    id: "renew",
    title: "Renew",
    signs: `A transaction: one more period of pass ${pass}, after the present one. What is unused stays.`,
    costs: price,
    estimate: null,
    async run({ transact, note }) {
      const { end } = await access.read(contracts.passes, encoding.read.pass(pass));
      before ??= end;
      // As with buying: an answer that got lost must not pay twice.
      if (end === before) {
        await transact({ to: contracts.passes, data: encoding.write.renew(pass) });
      }
      note("One more period is paid");
    },
  };
  return [approval(trade, price), renew];
}

/** Ends a pass and, where nothing of it is in channels, takes the refund at once. */
export function cancelPlan(
  trade: Trade,
  pass: bigint,
  { channels, bound }: { readonly channels: number; readonly bound: boolean },
): readonly Step[] {
  const { access, contracts, encoding } = trade;
  const unbind: Step = {
    id: "unbind",
    title: "Take it off your key",
    signs: "Nothing: the gateway's wallet pays for this API key again, so that its requests go on.",
    costs: null,
    estimate: null,
    run: async () => void (await call(trade.gateway, gatewayApi.unbindPass)),
  };
  const data = encoding.write.cancel(pass);
  const cancel: Step = {
    id: "cancel",
    title: "Cancel the pass",
    signs: `A transaction: pass ${pass} ends now, and its channels begin to close. This cannot be undone.`,
    costs: null,
    estimate: () => access.estimate({ to: contracts.passes, data }),
    async run({ transact }) {
      const { endedAt } = await access.read(contracts.passes, encoding.read.pass(pass));
      if (endedAt === 0) {
        await transact({ to: contracts.passes, data });
      }
    },
  };
  return [...(bound ? [unbind] : []), cancel, ...(channels === 0 ? refundPlan(trade, pass, 0) : [])];
}

/** Takes back what the channels of an ended pass hold, works the refund out, and sends it to the holder's wallet. */
export function refundPlan(trade: Trade, pass: bigint, channels: number): readonly Step[] {
  const { access, contracts, encoding } = trade;
  const to = contracts.passes;
  const simple = (id: string, title: string, signs: string, data: Hex): Step => ({
    id,
    title,
    signs,
    costs: null,
    estimate: null,
    run: async ({ transact }) => void (await transact({ to, data })),
  });
  return [
    ...Array.from({ length: channels }, (_, index): Step => {
      // The last one takes the place of the one that is removed, so that place 0 is never empty before the end.
      const data = encoding.write.reclaim(pass, 0n);
      return {
        ...simple(
          `reclaim ${index}`,
          `Take back channel ${index + 1} of ${channels}`,
          "A transaction: what the provider was not promised comes back into the pass. It is refused until the channel's notice is over.",
          data,
        ),
        async run({ transact }) {
          try {
            await transact({ to, data });
          } catch (fault) {
            throw noticeFault(fault) ?? fault;
          }
        },
      };
    }),
    {
      ...simple(
        "settle",
        "Work out the refund",
        "A transaction: divides what is left between you, the fee and the providers of the tier.",
        encoding.write.settle(pass),
      ),
      async run({ transact }) {
        const [{ settled }, open] = await Promise.all([
          access.read(to, encoding.read.pass(pass)),
          access.read(to, encoding.read.channels(pass)),
        ]);
        if (open.count > 0) {
          throw channelsOpen(pass, open.count);
        }
        if (!settled) {
          await transact({ to, data: encoding.write.settle(pass) });
        }
      },
    },
    {
      ...simple(
        "withdraw",
        "Take the refund",
        "A transaction: everything that the contract owes you goes to your wallet.",
        encoding.write.withdraw(access.account),
      ),
      async run({ transact, note }) {
        const owed = await access.read(to, encoding.read.owed(access.account));
        if (owed === 0n) {
          note("Nothing is owed to you: the pass was used up, or its time was over");
          return;
        }
        await transact({ to, data: encoding.write.withdraw(access.account) });
        note(`${usd(owed)} came back`);
      },
    },
  ];
}

function approval({ access, contracts, encoding }: Trade, amount: bigint, check?: () => Promise<void>): Step {
  const { account } = access;
  const transaction = { to: contracts.testUsd, data: encoding.write.approve(contracts.passes, amount) };
  return {
    id: "approve",
    title: "Allow the payment",
    signs: `A transaction: the contract of passes may take ${usd(amount)} from your wallet, once and no more.`,
    costs: null,
    estimate: () => access.estimate(transaction),
    async run({ transact, note }) {
      await check?.();
      const balance = await access.read(contracts.testUsd, encoding.read.balanceOf(account));
      if (balance < amount) {
        throw noFunds(balance, amount);
      }
      if ((await access.read(contracts.testUsd, encoding.read.allowance(account, contracts.passes))) >= amount) {
        note("It was allowed before");
        return;
      }
      await transact(transaction);
    },
  };
}

function signature({ access, encoding, gateway }: Trade, use: PassUseTerms, pass: () => bigint | null): Step {
  let signed: { readonly pass: bigint; readonly signature: Hex } | null = null;
  return {
    id: "sign",
    title: "Let it pay for your key",
    signs:
      "A message (UsePass), no transaction: this pass may pay for requests of this API key at this gateway. It costs nothing, and you can take it off again.",
    costs: null,
    estimate: null,
    async run({ note }) {
      const id = pass();
      if (id === null) {
        throw new DepinferError({
          code: "pass.notFound",
          message: "The transaction did not say which pass it bought",
          remedy: "Reload: the pass stands under your passes, where you can use it",
        });
      }
      signed ??= { pass: id, signature: await access.sign(encoding.passUseMessage(id, use)) };
      try {
        await call(gateway, gatewayApi.bindPass, {
          body: { pass: signed.pass.toString(), signature: signed.signature },
        });
      } catch (fault) {
        // A signature that got no answer is good for another try; one that was refused is not.
        if (!(fault instanceof DepinferError && fault.retryable)) {
          signed = null;
        }
        throw fault;
      }
      note("Requests of this key are paid by the pass");
    },
  };
}

/** That a channel's notice still runs, out of the contract's own words (`WithdrawTooEarly(channel, time)`); null for others. */
export function noticeFault(fault: unknown): DepinferError | null {
  const seconds = /WithdrawTooEarly\(0x[0-9a-f]{64}, (\d{1,12})\)/i.exec(errorMessage(fault))?.[1];
  if (seconds === undefined) {
    return null;
  }
  return new DepinferError({
    code: "pass.noticeRunning",
    message: `The channel's notice ends at ${dateTime(Number(seconds) * 1_000)}; the provider can claim what it was promised until then`,
    remedy: "Try this step again after that. You can also leave: the pass waits under your passes",
    metadata: { until: Number(seconds) },
    retryable: true,
    cause: fault,
  });
}

/** A pass can be worked out only once nothing of it is in channels. */
function channelsOpen(pass: bigint, count: number): DepinferError {
  return new DepinferError({
    code: "pass.channelsOpen",
    message: `Pass ${pass} still has money in ${count} channel${count === 1 ? "" : "s"}`,
    remedy: "Stop here, and finish the refund under your passes once their notice is over",
    metadata: { pass: pass.toString(), count },
  });
}

function noFunds(balance: bigint, needed: bigint): DepinferError {
  return new DepinferError({
    code: "wallet.noFunds",
    message: `The wallet has ${usd(balance)}, and this costs ${usd(needed)}`,
    remedy: "Put money into the wallet, then go on from this step",
    metadata: { balance: balance.toString(), needed: needed.toString() },
    retryable: true,
  });
}
