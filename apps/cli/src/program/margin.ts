import { STATEMENT_GROUPS } from "@depinfer/protocol/api";
import { type Command, InvalidArgumentError, Option } from "commander";
import { usd } from "../money/amounts.ts";
import { home, json } from "./options.ts";
import { fraction, integer, url } from "./values.ts";

/** `depinfer margin`: what a provider would earn, and what it earned. */
export function addMarginCommand(program: Command): void {
  program
    .command("margin")
    .description(
      "what a machine would earn in this market, or with --provider what one earned: revenue − fee − power − depreciation",
    )
    .option("--watts <watts>", "at the socket while it computes", integer)
    .option("--watts-idle <watts>", "at the socket while it waits", integer)
    .option("--kwh <dollars>", "price of a kilowatt-hour")
    .option("--hardware <dollars>", "price of the machine, less what it will be sold for")
    .option("--lifetime-months <months>", "time over which that is written off", integer)
    .option("--costs <file>", "JSON with these costs; flags go first")
    .option("--model <name>", "model whose market is looked at; the only one on offer by default")
    .option(
      "--weights <reference>",
      "weights that --benchmark runs, as for `depinfer node --model`; the embedded test model by default",
    )
    .option("--benchmark", "measure this machine: what it reads and writes per second (the default without speeds)")
    .option("--slots <count>", "requests answered at once in the benchmark", integer, 2)
    .option("--tokens-per-second <count>", "output tokens per second of the machine, all slots together", positive)
    .option("--prompt-tokens-per-second <count>", "prompt tokens per second of the machine", positive)
    .option("--utilisation <share>", "share of the time at work, in place of the market's", fraction)
    .option("--prompt-per-output <ratio>", "prompt tokens for each output token, in place of the market's", positive)
    .option("--price-input <dollars>", "per million prompt tokens, in place of the market's", usd)
    .option("--price-output <dollars>", "per million output tokens, in place of the market's", usd)
    .option("--no-market", "look at no market: every figure is given by flags")
    .option(
      "--fee-bps <parts>",
      "parts of ten thousand of revenue that somebody keeps; pay per use is free of fees",
      integer,
      0,
    )
    .option("--provider <account>", "what this provider earned, from its receipts")
    .addOption(
      new Option("--since <span>", "with --provider: how far back, such as 12h or 30d")
        .argParser(span)
        .default(7 * 86_400_000, "7d"),
    )
    .addOption(new Option("--by <group>", "with --provider: a line for each").choices(STATEMENT_GROUPS).default("day"))
    .option("--csv <file>", "with --provider: write the lines as CSV, money in units")
    .option("--indexer-url <url>", "indexer to ask; the local network's by default", url)
    .addOption(home())
    .addOption(json())
    .addHelpText(
      "after",
      "\nExamples:\n  depinfer margin --watts 350 --watts-idle 60 --kwh 0.30 --hardware 1800 --lifetime-months 36" +
        "\n  depinfer margin --costs machine.json --tokens-per-second 900 --prompt-tokens-per-second 9000 --utilisation 0.4" +
        "\n  depinfer margin --provider 0x5a… --by hour --since 24h --costs machine.json --csv margin.csv",
    )
    .action(async (options) => {
      const { readCosts } = await import("../margin/costs.ts");
      const { openIndexer } = await import("../indexer-client.ts");
      const { watts, wattsIdle, kwh, hardware, lifetimeMonths, feeBps } = options;
      const costs = readCosts({ watts, wattsIdle, kwh, hardware, lifetimeMonths }, options.costs);
      const indexer = () => openIndexer({ url: options.indexerUrl, home: options.home });
      const asked = { costs, feeBps, json: options.json === true };
      if (options.provider !== undefined) {
        const { statementMarginCommand } = await import("../commands/margin-statement.ts");
        const { provider, since, by, csv } = options;
        await statementMarginCommand(indexer(), { ...asked, provider, span: since, by, csv });
        process.exit(0);
      }
      const { expectedMarginCommand } = await import("../commands/margin.ts");
      const { model, utilisation, promptPerOutput, priceInput, priceOutput } = options;
      await expectedMarginCommand(options.market === true ? indexer() : null, {
        ...asked,
        ...{ model, utilisation, promptPerOutput, priceInput, priceOutput },
        speed: () => speedOf(options),
      });
      process.exit(0);
    });
}

async function speedOf(options: {
  readonly tokensPerSecond?: number;
  readonly promptTokensPerSecond?: number;
  readonly benchmark?: boolean;
  readonly weights?: string;
  readonly slots: number;
}) {
  const { tokensPerSecond, promptTokensPerSecond, benchmark, weights, slots } = options;
  if (tokensPerSecond !== undefined && promptTokensPerSecond !== undefined && benchmark !== true) {
    return { model: "as given", outputTokensPerSecond: tokensPerSecond, promptTokensPerSecond };
  }
  const { measureMachine } = await import("../margin/machine-speed.ts");
  const terminal = process.stderr.isTTY;
  const measured = await measureMachine({ model: weights, slots }, (text) =>
    process.stderr.write(`${terminal ? "\r\x1b[2K" : ""}  … measuring this machine: ${text}${terminal ? "" : "\n"}`),
  );
  process.stderr.write(terminal ? "\r\x1b[2K" : "");
  return {
    ...measured,
    ...(tokensPerSecond === undefined ? {} : { outputTokensPerSecond: tokensPerSecond }),
    ...(promptTokensPerSecond === undefined ? {} : { promptTokensPerSecond }),
  };
}

function positive(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value > 0 && Number.isFinite(value))) {
    throw new InvalidArgumentError(`${JSON.stringify(text)} is not above 0`);
  }
  return value;
}

const SPANS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90m`, `12h`, `7d` in ms. */
function span(text: string): number {
  const [, amount, unit = ""] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  const ms = Number(amount) * (SPANS[unit] ?? Number.NaN);
  if (!(ms > 0)) {
    throw new InvalidArgumentError(`${JSON.stringify(text)} is not a time such as 90m, 12h or 7d`);
  }
  return ms;
}
