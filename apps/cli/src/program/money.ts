import type { Command } from "commander";
import { home, json } from "./options.ts";

/** `depinfer money` and `claim`. */
export function addMoneyCommands(program: Command): void {
  const money = program.command("money").description("where your money is");
  money
    .command("where")
    .description("every unit of the services in this home")
    .addOption(home())
    .addOption(json())
    .addHelpText("after", "\nExample:\n  depinfer money where")
    .action(async (options) => {
      const { moneyWhere } = await import("../commands/money.ts");
      await moneyWhere(options.home, options.json === true);
      process.exit(0);
    });

  program
    .command("claim")
    .description("post the epoch and claim what is vouchered, for every provider in this home")
    .addOption(home())
    .addOption(json())
    .addHelpText("after", "\nExample:\n  depinfer claim")
    .action(async (options) => {
      const { claim } = await import("../commands/money.ts");
      await claim(options.home, options.json === true);
      process.exit(0);
    });
}
