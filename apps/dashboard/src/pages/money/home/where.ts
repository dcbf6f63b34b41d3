import type { Money } from "@depinfer/protocol/api";
import type { PlotSeries } from "../../../ui/plot.tsx";

export type Position = Money["positions"][number];

/** What a keeper of money is called, in the order of the bar. */
export const KEEPERS: readonly {
  readonly keeper: Position["keeper"];
  readonly name: string;
  readonly colour: Colour;
}[] = [
  { keeper: "wallet", name: "In wallets", colour: "--series-1" },
  { keeper: "channels", name: "In channels", colour: "--series-2" },
  { keeper: "stakeVault", name: "At stake", colour: "--series-3" },
  { keeper: "disputes", name: "In disputes", colour: "--series-4" },
  { keeper: "passes", name: "In passes", colour: "--series-5" },
];
type Colour = NonNullable<PlotSeries["colour"]>;

export interface Share {
  readonly name: string;
  readonly colour: Colour;
  readonly units: bigint;
  /** Between 0 and 1, for the eye. */
  readonly share: number;
}

/** Units by keeper; those that hold nothing are left out. */
export function sharesOf(positions: readonly Position[]): readonly Share[] {
  const total = sum(positions);
  return KEEPERS.map(({ keeper, name, colour }) => {
    const units = sum(positions.filter((position) => position.keeper === keeper));
    return { name, colour, units, share: total === 0n ? 0 : Number((units * 1_000_000n) / total) / 1_000_000 };
  }).filter(({ units }) => units > 0n);
}

export function sum(positions: readonly { readonly amount: bigint }[]): bigint {
  return positions.reduce((units, { amount }) => units + amount, 0n);
}

/** Services in the order in which they come, with what each has. */
export function byService(
  positions: readonly Position[],
): readonly { readonly service: string; readonly units: bigint; readonly positions: readonly Position[] }[] {
  return [...Map.groupBy(positions, ({ service }) => service)].map(([service, own]) => ({
    service,
    units: sum(own),
    positions: own,
  }));
}

/** What is wrong with an account of all money, or null: positions have to add up, and nobody has more than there is. */
export function faultOf({ total, positions, supply }: Pick<Money, "total" | "positions" | "supply">): string | null {
  const added = sum(positions);
  if (added !== total) {
    return `The positions add up to ${added} units, and ${total} are claimed`;
  }
  const others = supply.keepers.reduce((units, { held, ours }) => units + held - ours, 0n);
  if (total + others !== supply.total) {
    return `${total} units here and ${others} of others are not the ${supply.total} that exist`;
  }
  const lacking = supply.keepers.find(({ held, ours }) => ours > held);
  return lacking === undefined
    ? null
    : `${lacking.keeper} holds ${lacking.held} units and owes ${lacking.ours} of them here`;
}
