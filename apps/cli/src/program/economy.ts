import type { Command } from "commander";
import { json } from "./options.ts";
import { integer } from "./values.ts";

/** `depinfer simulate`. */
export function addEconomyCommands(program: Command): void {
  program
    .command("simulate <scenario...>")
    .description("simulate who gets the work in markets that JSON files describe")
    .option("--seeds <count>", "runs of each market", integer, 30)
    .option("--report <file>", "write a page with plots")
    .option("--tornado", "also move each parameter of the first market by itself")
    .addOption(json())
    .addHelpText(
      "after",
      "\nExample:\n  depinfer simulate simulation/scenarios/whale.json --seeds 30 --report whale.html",
    )
    .action(async (files: string[], options) => {
      const { simulateCommand } = await import("../commands/simulate.ts");
      const { seeds, report, tornado } = options;
      await simulateCommand(files, { seeds, report, tornado: tornado === true, json: options.json === true });
      process.exit(0);
    });
}
