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
      `
A scenario's "market" says what is simulated:
  slots, capacity, stake   who gets the work: Depinfer's market, and those by weight alone
  epochs                   who earns buys capacity, who loses sells it; the base price follows utilisation
  audits                   validators of whom some collude

Examples:
  depinfer simulate simulation/scenarios/whale.json --seeds 30 --report whale.html
  depinfer simulate simulation/scenarios/whale.json --tornado --seeds 5
  depinfer simulate simulation/scenarios/forged-members.json          a whale that forged memberships
  depinfer simulate simulation/scenarios/detected-whale.json          a whale whose names are known, and capped
  depinfer simulate simulation/scenarios/wash-trader.json             buys from itself
  depinfer simulate simulation/scenarios/price-dumper.json            works below its cost until its capital is gone
  depinfer simulate simulation/scenarios/churner.json                 comes back under fresh names
  depinfer simulate simulation/scenarios/colluding-auditors.json      attests cheats, convicts the honest
  depinfer simulate simulation/scenarios/stake-after-five-years.json  what inflation makes of stakes
  depinfer simulate simulation/scenarios/epochs.json simulation/scenarios/epochs-like-for-like.json

The same files and seeds give the same trace on every machine.`,
    )
    .action(async (files: string[], options) => {
      const { simulateCommand } = await import("../commands/simulate.ts");
      const { seeds, report, tornado } = options;
      await simulateCommand(files, { seeds, report, tornado: tornado === true, json: options.json === true });
      process.exit(0);
    });
}
