export {
  type BasePriceRule,
  basePriceFactor,
  followedPriceDown,
  GAIN,
  nextBasePriceDown,
  postedPriceDown,
  stableElasticity,
  TARGET_UTILISATION,
} from "./base-price.ts";
export type { Amounts } from "./concentration/amounts.ts";
export {
  amountsOfClusters,
  type Cluster,
  type ClusterOptions,
  clusterIdentities,
  type Evidence,
  type Identity,
} from "./concentration/clusters.ts";
export { EconomicsError } from "./concentration/economics-error.ts";
export { type LorenzPoint, lorenzCurve } from "./concentration/lorenz.ts";
export {
  effectiveNumber,
  gini,
  hhi,
  nakamotoCoefficient,
  participation,
  renyiEntropy,
  shannonEntropy,
  theil,
  topShare,
} from "./concentration/measures.ts";
export {
  type DecentralisationIndex,
  decentralisationIndex,
  HOLD_UP_SHARE,
  type IndexLayer,
  type LayerScore,
} from "./index/decentralisation-index.ts";
export { type Improvement, improvementsOf } from "./index/improvements.ts";
export { LAYERS, type LayerDefinition, type LayerName } from "./index/layers.ts";
export { type Interval, type SampledIndex, type SampledLayer, sampledIndex } from "./index/sampling.ts";
export {
  type ExpectedMargin,
  expectedMarginPerHour,
  type MachineCosts,
  type Margin,
  marginOf,
  type Prospect,
  type Stretch,
} from "./margin.ts";
export { type SettledPass, shareSurplus } from "./pass-shares.ts";
export { cappedEmission, divideCost, type Pay } from "./pay.ts";
export { createRandom, normal, pareto, type Random } from "./random.ts";
export { type Capacity, type Capped, chooseSlot, type MemberFloor, routeJob, type SlotMarket } from "./routing.ts";
export { type Weighted, weightedMedianDown } from "./weighted-median.ts";
