import {
  type Cluster,
  gini,
  HOLD_UP_SHARE,
  hhi,
  type Interval,
  type LayerDefinition,
  type LayerName,
  lorenzCurve,
  nakamotoCoefficient,
  type SampledLayer,
} from "@depinfer/economics";
import type { IndexLayerFigures } from "@depinfer/protocol/api";
import { EMPTY_BECAUSE, type LayerAmounts } from "./layer-amounts.ts";

/** Layers that whoever runs the indexer sets aside, and why: they are shown, and left out of the index. */
export type SetAside = Partial<Record<LayerName, string>>;

/** Identities that are one, and what they have together. */
interface Entity {
  readonly id: string;
  readonly identities: number;
  readonly amount: number;
  readonly squares: number;
}

export interface MeasuredLayer {
  readonly definition: LayerDefinition;
  readonly state: IndexLayerFigures["state"];
  readonly reason: string | null;
  readonly unit: LayerAmounts["unit"] | null;
  readonly raw: Float64Array;
  /** Largest first; those with nothing are left out. */
  readonly entities: readonly Entity[];
  readonly sample: SampledLayer;
}

const LARGEST = 10;

export function measureLayer(
  definition: LayerDefinition & { readonly name: LayerName },
  found: LayerAmounts | undefined,
  clusters: readonly Cluster[],
  setAside: SetAside,
): MeasuredLayer {
  const { name, target } = definition;
  const entities = found === undefined ? [] : entitiesOf(found, clusters);
  const empty = entities.length === 0;
  return {
    definition,
    state: empty ? "no data" : setAside[name] === undefined ? "counted" : "set aside",
    reason: empty ? EMPTY_BECAUSE[name] : (setAside[name] ?? null),
    unit: found?.unit ?? null,
    raw: Float64Array.from(found?.amounts.values() ?? []),
    entities,
    sample: {
      name,
      target,
      amounts: entities.map(({ amount }) => amount),
      ...(found?.squares === undefined ? {} : { squares: Float64Array.from(entities, ({ squares }) => squares) }),
    },
  };
}

function entitiesOf({ amounts, squares, ofProviders }: LayerAmounts, clusters: readonly Cluster[]): readonly Entity[] {
  const joined = ofProviders ? clusters : [];
  // A provider that was paid and is registered no longer stands for itself.
  const known = new Set(joined.flatMap(({ ids }) => ids));
  const alone = [...amounts.keys()].filter((id) => !known.has(id)).map((id) => ({ id, ids: [id] }));
  return [...joined, ...alone]
    .map(({ id, ids }) => {
      const mine = ids.filter((one) => amounts.has(one));
      return {
        id,
        identities: mine.length,
        amount: mine.reduce((sum, one) => sum + (amounts.get(one) ?? 0), 0),
        squares: mine.reduce((sum, one) => sum + (squares?.get(one) ?? 0), 0),
      };
    })
    .filter(({ amount }) => amount > 0)
    .sort((a, b) => b.amount - a.amount || (a.id < b.id ? -1 : 1));
}

/** The layer as the API shows it. */
export function figuresOf(
  { definition, unit, state, reason, raw, entities }: MeasuredLayer,
  score: number | null,
  interval: Interval | null,
): IndexLayerFigures {
  const amounts = entities.map(({ amount }) => amount);
  const total = amounts.reduce((sum, amount) => sum + amount, 0);
  return {
    ...definition,
    unit,
    state,
    reason,
    score,
    interval,
    clustered: measuresOf(amounts),
    raw: measuresOf(raw),
    largest: entities
      .slice(0, LARGEST)
      .map(({ id, identities, amount }) => ({ id, identities, amount, share: amount / total })),
    lorenz: [...(lorenzCurve(amounts) ?? [])],
  };
}

function measuresOf(amounts: readonly number[] | Float64Array) {
  return {
    entities: amounts.length,
    gini: gini(amounts),
    hhi: hhi(amounts),
    nc33: nakamotoCoefficient(amounts, HOLD_UP_SHARE),
    nc50: nakamotoCoefficient(amounts, 0.5),
  };
}
