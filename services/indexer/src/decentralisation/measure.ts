import {
  clusterIdentities,
  createRandom,
  decentralisationIndex,
  improvementsOf,
  LAYERS,
  sampledIndex,
} from "@depinfer/economics";
import { type Decentralisation, INDEX_WINDOWS, type IndexWindow } from "@depinfer/protocol/api";
import type { Database } from "../database.ts";
import { readProviders } from "./identities.ts";
import { readLayers } from "./layer-amounts.ts";
import { figuresOf, measureLayer, type SetAside } from "./measured-layer.ts";

const FORMULA =
  "x = min(1, ln NC33 ÷ ln T) for each layer, where NC33 is how few entities together have more than 33 %, and T is how many would be enough; index = 100 · the geometric mean of x. A layer with a single controller makes it 0.";
/** Any: the same data has to give the same interval, so that nothing moves on a page where nothing changed. */
const SEED = 1;

/** The network's index over the window that ends `now`, ms. */
export async function measureIndex(
  db: Database,
  window: IndexWindow,
  now: number,
  setAside: SetAside,
): Promise<Decentralisation> {
  const since = now - INDEX_WINDOWS[window];
  const providers = await readProviders(db, now);
  const found = await readLayers(db, providers, since);
  const clusters = clusterIdentities(providers);
  const layers = LAYERS.map((definition) => measureLayer(definition, found[definition.name], clusters, setAside));
  const counted = layers.filter(({ state }) => state === "counted").map(({ sample }) => sample);
  const whole = decentralisationIndex(layers.map(({ sample }) => sample));
  const { index, interval, weakest, scoreIntervals } = sampledIndex(counted, createRandom(SEED, "index"));
  const intervals = new Map(counted.map(({ name }, at) => [name, scoreIntervals[at] ?? null]));
  return {
    at: now,
    window,
    since,
    formula: FORMULA,
    index,
    interval,
    withSetAside: whole.index,
    weakest,
    layers: layers.map((layer, at) =>
      figuresOf(layer, whole.layers[at]?.score ?? null, intervals.get(layer.definition.name) ?? null),
    ),
    improvements: [...improvementsOf(counted)],
    clusters: clusters
      .filter(({ ids }) => ids.length > 1)
      .map(({ id, ids, evidence }) => ({
        id,
        ids: [...ids],
        evidence: evidence.map(({ kind, value }) => ({ kind, value })),
      })),
  };
}
