import { DepinferError, formatUsd } from "@depinfer/protocol";
import {
  type Decentralisation,
  decentralisationApi,
  type IndexLayerFigures,
  type IndexWindow,
} from "@depinfer/protocol/api";
import type { IndexerClient } from "../indexer-client.ts";
import { printTable } from "../table.ts";

export interface IndexOptions {
  readonly window: IndexWindow;
  /** Layer whose figure is to be worked out. */
  readonly explain?: string | undefined;
  readonly json: boolean;
}

/** `depinfer index`: how few could hold up the network, layer by layer. @throws DepinferError `index.unknownLayer`. */
export async function indexCommand(indexer: IndexerClient, { window, explain, json }: IndexOptions): Promise<void> {
  const found = await indexer.get(decentralisationApi.index, { query: { window } });
  const layer = explain === undefined ? undefined : layerNamed(found, explain);
  if (json) {
    console.log(JSON.stringify(layer ?? found));
    return;
  }
  if (layer === undefined) {
    printIndex(found);
  } else {
    printLayer(layer, found);
  }
}

function layerNamed({ layers }: Decentralisation, name: string): IndexLayerFigures {
  const layer = layers.find((one) => one.name === name);
  if (layer === undefined) {
    throw new DepinferError({
      code: "index.unknownLayer",
      message: `The index has no layer ${JSON.stringify(name)}`,
      remedy: `Choose one of ${layers.map((one) => one.name).join(", ")}`,
      metadata: { name },
    });
  }
  return layer;
}

function printIndex(found: Decentralisation): void {
  const { index, interval, window, layers, weakest, withSetAside, improvements, clusters } = found;
  const counted = layers.filter(({ state }) => state === "counted");
  const range =
    interval === null || interval.low === interval.high
      ? ""
      : ` (95 %: ${tenth(interval.low)} to ${tenth(interval.high)})`;
  console.log(
    index === null
      ? `No index: nothing was seen over the last ${window} that it could be made of.\n`
      : `Index ${tenth(index)} of 100${range}, over the last ${window}, on ${counted.length} of ${layers.length} layers.`,
  );
  const worst = layers.find(({ name }) => name === weakest);
  if (worst !== undefined) {
    console.log(`Weakest layer: ${worst.name}. ${heldBy(worst)}.\n`);
  }
  printTable(
    layers.map((layer) => ({
      layer: layer.name,
      score: layer.score === null ? "no data" : scoreOf(layer),
      "NC 33 %": layer.clustered.nc33 ?? "",
      "NC 50 %": layer.clustered.nc50 ?? "",
      "of (T)": layer.target,
      "entities / names": layer.score === null ? "" : `${layer.clustered.entities} / ${layer.raw.entities}`,
      Gini: layer.clustered.gini?.toFixed(3) ?? "",
      note: layer.state === "counted" ? "" : `${layer.state}: ${layer.reason ?? ""}`,
    })),
  );
  if (layers.some(({ state }) => state === "set aside")) {
    console.log(`\nWith the layers that are set aside: ${withSetAside === null ? "no data" : tenth(withSetAside)}.`);
  }
  for (const { id, ids, evidence } of clusters) {
    const why = evidence.map(({ kind, value }) => `${kind} ${value}`).join("; ");
    console.log(`\n${ids.length} providers are taken for one, ${id}: same ${why}.`);
  }
  const [best] = improvements;
  const single = counted.filter(({ score }) => score === 0).map(({ name }) => name);
  if (single.length > 1) {
    console.log(`\nIt stays at 0 until each of these has more than one controller: ${single.join(", ")}.`);
  } else if (best !== undefined) {
    console.log(
      `\nWhat would raise it most: ${best.nc33} controllers in place of ${best.nc33 - 1} in ${best.layer} would make it ${tenth(best.index)}.`,
    );
  }
  console.log(`Worked out: depinfer index --explain ${weakest ?? layers[0]?.name ?? ""}`);
}

function printLayer(layer: IndexLayerFigures, { formula, window, since, clusters }: Decentralisation): void {
  const { name, title, counts, target, clustered, raw, score, state, reason, largest, unit, remedy } = layer;
  console.log(`${title} (${name}): ${counts}.\n`);
  console.log(`  ${formula}\n`);
  if (score === null || clustered.nc33 === null) {
    console.log(`  No data: ${reason ?? ""}.`);
    return;
  }
  console.log(`  NC33 = ${clustered.nc33}   ${heldBy(layer)}`);
  console.log(`  T    = ${target}`);
  console.log(
    `  x    = min(1, ln ${clustered.nc33} ÷ ln ${target}) = ${Math.min(1, Math.log(clustered.nc33) / Math.log(target)).toFixed(4)}`,
  );
  console.log(`  over the last ${window}, since ${new Date(since).toISOString()}`);
  if (state !== "counted") {
    console.log(`  It is ${state}: ${reason ?? ""}.`);
  }
  console.log("");
  printTable([
    { by: "entities", ...row(clustered) },
    { by: "names, as they appear", ...row(raw) },
  ]);
  console.log("");
  let sum = 0;
  printTable(
    largest.map(({ id, identities, amount, share }) => {
      sum += share;
      return {
        largest: id,
        names: identities,
        [unit === "units" ? "charged" : "slots"]: unit === "units" ? formatUsd(BigInt(Math.round(amount))) : amount,
        share: percent(share),
        together: percent(sum),
      };
    }),
  );
  for (const { id, ids, evidence } of clusters.filter((cluster) =>
    largest.some((entity) => entity.id === cluster.id),
  )) {
    console.log(`\n${id} is ${ids.join(", ")}:`);
    for (const { kind, value } of evidence) {
      console.log(`  same ${kind}: ${value}`);
    }
  }
  console.log(`\nWhat makes it less concentrated: ${remedy}.`);
}

function row({ entities, gini, hhi, nc33, nc50 }: IndexLayerFigures["clustered"]) {
  return {
    count: entities,
    "NC 33 %": nc33 ?? "",
    "NC 50 %": nc50 ?? "",
    Gini: gini?.toFixed(4) ?? "",
    HHI: hhi?.toFixed(0) ?? "",
  };
}

function heldBy({ clustered, largest }: IndexLayerFigures): string {
  const few = clustered.nc33 ?? 0;
  const share = largest.slice(0, few).reduce((sum, entity) => sum + entity.share, 0);
  return few === 1 ? `One entity has ${percent(share)} of it` : `${few} entities together have ${percent(share)} of it`;
}

function scoreOf({ score, interval }: IndexLayerFigures): string {
  const range = interval === null ? "" : ` (${interval.low.toFixed(2)}–${interval.high.toFixed(2)})`;
  return `${(score ?? 0).toFixed(3)}${range}`;
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const tenth = (value: number) => value.toFixed(1);
