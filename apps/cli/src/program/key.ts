import { type Command, InvalidArgumentError } from "commander";
import { usd } from "../money/amounts.ts";
import { home, json } from "./options.ts";

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

  command("create", "make an API key; it is shown once", "depinfer key create alice --budget 5")
    .argument("<name>", "the account that its requests belong to")
    .option("--budget <dollars>", "most that it may ever spend", usd)
    .action(async (name, flags) => {
      const { createKey } = await import("../commands/key.ts");
      await createKey(name, flags.budget, options(flags));
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

/** Milliseconds since 1970 of the beginning of a day, UTC. */
function day(text: string): number {
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time) || !new Date(time).toISOString().startsWith(text)) {
    throw new InvalidArgumentError(`${JSON.stringify(text)} is not a day such as 2026-07-01`);
  }
  return time;
}
