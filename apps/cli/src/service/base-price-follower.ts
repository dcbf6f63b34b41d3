import { errorMessage, type Log, type Prices } from "@depinfer/protocol";
import { economyApi } from "@depinfer/protocol/api";
import type { IndexerClient } from "../indexer-client.ts";
import { createFollowedPrice, type FollowedPriceOptions } from "./followed-price.ts";

export interface FollowOptions extends FollowedPriceOptions {
  readonly model: string;
}

/** Asked again after this long where an indexer is away, or has not moved the price yet, ms. */
const RETRY_MS = 30_000;
/** It is asked at least so often, ms. */
const MOST_WAIT_MS = 3_600_000;
/** Time that an indexer gets to work out a new price, ms. */
const LATE_MS = 1_000;

/**
 * Posts a discount to the base price that an indexer tells, at most a step each period, until the result is called. An indexer
 * that is away leaves the price where it is.
 */
export function followBasePrice(
  indexer: IndexerClient,
  post: (prices: Prices) => void,
  { model, ...options }: FollowOptions,
  log: Log,
  clock: () => number = Date.now,
): () => void {
  const followed = createFollowedPrice(options, clock());
  const retryMs = Math.min(RETRY_MS, options.periodMs);
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  /** Ms until it is asked again. */
  async function step(): Promise<number> {
    const { data } = await indexer.get(economyApi.basePrices, { query: { model } });
    const told = data.find((one) => one.model === model);
    if (stopped) {
      return retryMs;
    }
    if (told === undefined) {
      log("info", `${indexer.url} tells no base price of ${model} yet; the price stays ${followed.current()}`);
      return retryMs;
    }
    const now = clock();
    const before = followed.current();
    const prices = followed.hear(told.current, now);
    if (prices !== null) {
      const { discountBps } = options;
      log("info", `the base price of ${model} is ${told.current}; asking ${followed.current()} in place of ${before}`, {
        discountBps,
      });
      post(prices);
    }
    return told.nextAt <= now ? retryMs : Math.min(MOST_WAIT_MS, options.periodMs, told.nextAt - now + LATE_MS);
  }

  async function go(): Promise<void> {
    const wait = await step().catch((error: unknown) => {
      log("warn", `the base price is not known, the price stays ${followed.current()}: ${errorMessage(error)}`);
      return retryMs;
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
