import { followedPriceDown, postedPriceDown } from "@depinfer/economics";
import { errorMessage, type Log, microUsd, type Prices } from "@depinfer/protocol";
import { economyApi } from "@depinfer/protocol/api";
import type { IndexerClient } from "../indexer-client.ts";

export interface FollowOptions {
  readonly model: string;
  /** Where it begins; input prices keep their proportion to the output price. */
  readonly prices: Prices;
  /** Parts of ten thousand below the base price. */
  readonly discountBps: number;
  /** Units per million output tokens below which it never goes. */
  readonly floor: bigint;
}

/** Asked again after this long where an indexer tells no base price, ms. */
const RETRY_MS = 30_000;
/** Not more often than this, whatever the period is. */
const LEAST_MS = 1_000;

/**
 * Posts a discount to the base price that an indexer tells, a step each period, until the result is called. An indexer that
 * is away leaves the price where it is; one that lies moves it no faster than the rule could.
 */
export function followBasePrice(
  indexer: IndexerClient,
  post: (prices: Prices) => void,
  { model, prices, discountBps, floor }: FollowOptions,
  log: Log,
): () => void {
  let output: bigint = prices.outputPerMillion;
  let period = -1;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  /** Ms until it is asked again. */
  async function step(): Promise<number> {
    const { data } = await indexer.get(economyApi.basePrices, { query: { model } });
    const told = data.find((one) => one.model === model);
    if (told === undefined) {
      log("info", `${indexer.url} tells no base price of ${model} yet; the price stays`, { output: output.toString() });
      return RETRY_MS;
    }
    // One step for each period, however often it is asked.
    if (told.nextAt > period && told.current >= 1n) {
      period = told.nextAt;
      const wanted = postedPriceDown(told.current, discountBps);
      const bounded = followedPriceDown(output, wanted < 1n ? 1n : wanted);
      const next = bounded < floor ? floor : bounded;
      if (next !== output) {
        log("info", `the base price of ${model} is ${told.current}; asking ${next} in place of ${output}`, {
          discountBps,
        });
        output = next;
        post(scaled(prices, output));
      }
    }
    return Math.max(LEAST_MS, Math.min(told.period, told.nextAt - Date.now() + LEAST_MS));
  }

  async function go(): Promise<void> {
    const wait = await step().catch((error: unknown) => {
      log("warn", `the base price is not known, the price stays: ${errorMessage(error)}`);
      return RETRY_MS;
    });
    if (!stopped) {
      timer = setTimeout(() => void go(), wait);
    }
  }
  void go();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

/** The same proportions at another output price; nothing below a unit. */
export function scaled({ inputPerMillion, cachedInputPerMillion, outputPerMillion }: Prices, output: bigint): Prices {
  const of = (price: bigint) => {
    const next = outputPerMillion === 0n ? price : (price * output) / outputPerMillion;
    return microUsd(price > 0n && next < 1n ? 1n : next);
  };
  return {
    inputPerMillion: of(inputPerMillion),
    cachedInputPerMillion: of(cachedInputPerMillion),
    outputPerMillion: microUsd(output),
  };
}
