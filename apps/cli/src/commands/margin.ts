import { type ExpectedMargin, expectedMarginPerHour, type Margin } from "@depinfer/economics";
import { DepinferError, formatUsd, type MicroUsd } from "@depinfer/protocol";
import { economyApi, type MarketConditions } from "@depinfer/protocol/api";
import type { IndexerClient } from "../indexer-client.ts";
import type { KnownCosts } from "../margin/costs.ts";
import type { MachineSpeed } from "../margin/machine-speed.ts";
import { digits } from "../money/amounts.ts";
import { printTable } from "../table.ts";

export interface ExpectedMarginOptions {
  readonly costs: KnownCosts;
  /** Model whose market is looked at; the only one on offer when left out. */
  readonly model?: string | undefined;
  /** Asked once nothing else is missing, since it may take seconds to find out. */
  readonly speed: () => Promise<MachineSpeed>;
  /** Shares and prices that stand in for the market's. */
  readonly utilisation?: number | undefined;
  readonly priceInput?: MicroUsd | undefined;
  readonly priceOutput?: MicroUsd | undefined;
  readonly promptPerOutput?: number | undefined;
  readonly feeBps: number;
  readonly json: boolean;
}

const HOURS = { hour: 1n, day: 24n, month: 730n } as const;

/** `depinfer margin`: what a machine would earn in this market. @throws DepinferError `margin.noData` naming what is missing. */
export async function expectedMarginCommand(
  indexer: IndexerClient | null,
  options: ExpectedMarginOptions,
): Promise<void> {
  const market = indexer === null ? null : await marketOf(indexer, options.model);
  const { costs, feeBps } = options;
  const required = requiredOf(market);
  const asked = {
    promptPerOutput: required(
      options.promptPerOutput ?? market?.promptPerOutput,
      "prompt tokens for each output token",
      "--prompt-per-output 3",
    ),
    utilisation: required(options.utilisation ?? market?.utilisation, "utilisation", "--utilisation 0.3"),
    inputPerMillion: required(options.priceInput ?? market?.inputPrice, "price of prompts", "--price-input 0.05"),
    outputPerMillion: required(options.priceOutput ?? market?.outputPrice, "price of answers", "--price-output 0.20"),
    feeBps,
  };
  const speed = await options.speed();
  const { promptTokensPerSecond, outputTokensPerSecond } = speed;
  const prospect = { ...asked, promptTokensPerSecond, outputTokensPerSecond };
  const expected = expectedMarginPerHour(prospect, costs.costs);
  if (options.json) {
    console.log(JSON.stringify({ market, prospect, costs: costs.costs, assumed: costs.assumed, expected }, digits));
    return;
  }
  const percent = `${(100 * prospect.utilisation).toFixed(1)} %`;
  console.log(
    market === null
      ? "Not looked at any market: every figure is yours."
      : `Market of ${market.model}, last seven days: ${market.requests} requests, ${market.outputTokens} output tokens, ${market.providers} providers with ${market.slots} slots.`,
  );
  console.log(
    `This machine: ${speed.outputTokensPerSecond.toFixed(0)} output and ${speed.promptTokensPerSecond.toFixed(0)} prompt tokens per second (${speed.model}); at work ${percent} of the time; ${prospect.promptPerOutput.toFixed(2)} prompt tokens for each output token.`,
  );
  console.log(
    `Prices per million: input ${formatUsd(prospect.inputPerMillion)}, output ${formatUsd(prospect.outputPerMillion)}. Fee ${feeBps / 100} %.\n`,
  );
  printTable(Object.entries(HOURS).map(([per, hours]) => ({ per, ...moneyOf(times(expected, hours)) })));
  console.log("");
  sayBreakEven(expected);
  sayAssumed(costs);
}

/** The market of the model, or of the only one. @throws DepinferError `margin.whichModel`. */
async function marketOf(indexer: IndexerClient, model: string | undefined): Promise<MarketConditions | null> {
  const { data } = await indexer.get(economyApi.marketConditions, { query: { model } });
  const [first] = data;
  if (first === undefined || (model === undefined && data.length > 1)) {
    throw new DepinferError({
      code: "margin.whichModel",
      message:
        first === undefined
          ? `Nobody ever offered ${model === undefined ? "a model" : JSON.stringify(model)} here`
          : `${data.length} models are on offer: ${data.map((one) => one.model).join(", ")}`,
      remedy:
        first === undefined
          ? "See `depinfer models`, or give every figure yourself with --no-market"
          : "Choose one with --model",
    });
  }
  return first;
}

/** What has to be known, from the market or from a flag. @throws DepinferError `margin.noData`. */
function requiredOf(market: MarketConditions | null) {
  return <Value>(value: Value | null | undefined, what: string, flag: string): Value => {
    if (value === null || value === undefined) {
      const [message, remedy] =
        market === null
          ? [`Without a market no ${what} is known`, `Give it yourself, such as ${flag}`]
          : [
              `The market tells no ${what}`,
              `Nothing was seen of it in the last seven days; give it yourself, such as ${flag}`,
            ];
      throw new DepinferError({ code: "margin.noData", message, remedy });
    }
    return value;
  };
}

function times({ revenue, fee, power, depreciation, margin }: Margin, by: bigint): Margin {
  return {
    revenue: revenue * by,
    fee: fee * by,
    power: power * by,
    depreciation: depreciation * by,
    margin: margin * by,
  };
}

export function moneyOf({ revenue, fee, power, depreciation, margin }: Margin) {
  return {
    revenue: formatUsd(revenue),
    "− fee": formatUsd(fee),
    "− power": formatUsd(power),
    "− depreciation": formatUsd(depreciation),
    "= margin": formatUsd(margin),
  };
}

function sayBreakEven({ breakEvenOutputPerMillion: price, margin }: ExpectedMargin): void {
  console.log(
    price === null
      ? "At this utilisation nothing is written, so that no price would pay for the machine."
      : `It pays for itself from ${formatUsd(price)} per million output tokens on${margin < 0n ? ": at these prices it loses money" : ""}.`,
  );
}

export function sayAssumed({ assumed }: Pick<KnownCosts, "assumed">): void {
  if (assumed.length > 0) {
    console.log(`Assumed, since nobody said: ${assumed.join(", ")}.`);
  }
}
