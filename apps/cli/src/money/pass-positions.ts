import type { Chain, Pass } from "@depinfer/chain";
import type { OpenChannel } from "./channels-on-chain.ts";
import type { Position } from "./positions.ts";
import type { Wallet } from "./wallets.ts";

/** What an account has in passes: unspent, in the channels that its passes opened, and refunded. */
export async function passPositions(
  chain: Chain,
  { service, account }: Pick<Wallet, "service" | "account">,
  channels: readonly OpenChannel[],
): Promise<readonly Position[]> {
  const [refunds, passes] = await Promise.all([chain.passes.withdrawable(account), passesOf(chain, account)]);
  const base = { service, account } as const;
  return [
    {
      ...base,
      keeper: "passes",
      place: "refunded by passes",
      amount: refunds,
      unlocksAt: undefined,
      notice: undefined,
      frees: `depinfer claim --service ${service}`,
    },
    ...passes.flatMap((pass): Position[] => [
      {
        ...base,
        keeper: "passes",
        place: `pass ${pass.id}, unspent`,
        amount: pass.balance + pass.feeReserve,
        unlocksAt: undefined,
        notice: undefined,
        frees: freesPass(pass, service),
      },
      ...channels
        .filter(({ id }) => pass.channels.some(({ config }) => chain.channels.idOf(config) === id))
        .map(
          ({ receiver, state, withdrawDelay }): Position => ({
            ...base,
            keeper: "channels",
            place: `pass ${pass.id}, channel to ${receiver.slice(0, 10)}…`,
            amount: state.deposit - state.settled,
            unlocksAt: state.withdrawAt,
            notice: state.withdrawAt === undefined ? withdrawDelay : undefined,
            frees: freesPass(pass, service),
          }),
        ),
    ]),
  ];
}

function freesPass({ id, status }: Pass, service: string): string {
  return status === "active"
    ? `depinfer pass cancel ${id} --service ${service}, or use it`
    : `depinfer pass settle ${id} --service ${service}`;
}

/** The passes that an account holds and that still hold money. */
export async function passesOf(chain: Chain, account: Wallet["account"]): Promise<readonly Pass[]> {
  const ids = await chain.passes.passesOf(account);
  const passes = await Promise.all(ids.map((id) => chain.passes.pass(id)));
  return passes.flatMap((pass) => (pass === undefined || pass.status === "settled" ? [] : [pass]));
}
