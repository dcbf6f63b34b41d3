import { SCOPES } from "@depinfer/gateway";
import { type Command, InvalidArgumentError } from "commander";
import { usd } from "../money/amounts.ts";
import { home, json } from "./options.ts";
import { integer } from "./values.ts";

/** `depinfer key` and `statement`: who may spend a gateway's money, and on what it was spent. */
export function addKeyCommands(program: Command): void {
  const key = program.command("key").description("API keys of this home's gateway, and their budgets");
  const command = (name: string, description: string, example: string) =>
    key
      .command(name)
      .description(description)
      .addOption(home())
      .addOption(json())
      .addHelpText("after", `\nExample:\n  ${example}`);
  const options = ({ home: folder, json: asJson }: { home: string; json?: boolean }) => ({
    home: folder,
    json: asJson === true,
  });

  const limits = (name: string, description: string, example: string) =>
    command(name, description, example)
      .option("--scope <names...>", `what it is for: ${SCOPES.join(", ")}`)
      .option("--rpm <count>", "requests a minute", integer)
      .option("--tpm <count>", "tokens a minute, prompt and output together", integer)
      .option("--concurrent <count>", "requests at a time", integer)
      .option("--expires <day>", "day from which it does not work, such as 2027-01-31", day)
      .option("--policy <json>", "what its requests demand of providers where they do not say so", jsonValue);

  limits("create", "make an API key; it is shown once", "depinfer key create alice --budget 5 --rpm 60")
    .argument("<name>", "the account that its requests belong to")
    .option("--budget <dollars>", "most that it may ever spend", usd)
    .action(async (name, flags) => {
      const { createKey } = await import("../commands/key.ts");
      await createKey(name, flags.budget, flags, options(flags));
      process.exit(0);
    });
  limits("limit", "change what a key may do", "depinfer key limit alice --rpm 60 --concurrent 4")
    .argument("<name>", "the key")
    .action(async (name, flags) => {
      const { limitKey } = await import("../commands/key.ts");
      await limitKey(name, flags, options(flags));
      process.exit(0);
    });
  command("list", "names, budgets and what was spent", "depinfer key list").action(async (flags) => {
    const { listKeys } = await import("../commands/key.ts");
    await listKeys(options(flags));
    process.exit(0);
  });
  command("budget", "change a key's budget, or lift it", "depinfer key budget alice 12.50")
    .argument("<name>", "the key")
    .argument("[dollars]", "most that it may ever spend; no limit by default", usd)
    .action(async (name, budget, flags) => {
      const { setBudget } = await import("../commands/key.ts");
      await setBudget(name, budget, options(flags));
      process.exit(0);
    });
  command("revoke", "stop a key from working", "depinfer key revoke alice")
    .argument("<name>", "the key")
    .action(async (name, flags) => {
      const { revokeKey } = await import("../commands/key.ts");
      await revokeKey(name, options(flags));
      process.exit(0);
    });

  program
    .command("statement")
    .description("what the gateway's keys bought, by day, key, model and provider")
    .option("--account <name>", "of one key")
    .option("--since <day>", "first day, such as 2026-07-01", day)
    .option("--until <day>", "first day that is left out", day)
    .option("--csv", "as CSV for spreadsheets")
    .addOption(home())
    .addOption(json())
    .addHelpText("after", "\nExample:\n  depinfer statement --since 2026-07-01 --csv > july.csv")
    .action(async (flags) => {
      const { showStatement } = await import("../commands/key.ts");
      const { account, since, until, csv } = flags;
      await showStatement({ ...options(flags), account, since, until, csv: csv === true });
      process.exit(0);
    });
}

function jsonValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidArgumentError("it is not JSON");
  }
}

/** Milliseconds since 1970 of the beginning of a day, UTC. */
function day(text: string): number {
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time) || !new Date(time).toISOString().startsWith(text)) {
    throw new InvalidArgumentError(`${JSON.stringify(text)} is not a day such as 2026-07-01`);
  }
  return time;
}
