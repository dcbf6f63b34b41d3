import type { Command } from "commander";
import { home, json } from "./options.ts";

const ENGINE_VERSION = "3.22.1";

/** `depinfer doctor` and `engine`. */
export function addMaintenanceCommands(program: Command): void {
  program
    .command("doctor")
    .description("check what has to work, with one fix for each failure")
    .addOption(home())
    .addOption(json())
    .addHelpText("after", "\nExample:\n  depinfer doctor")
    .action(async (options) => {
      const { doctor } = await import("../commands/doctor.ts");
      process.exit(await doctor(options.home, options.json === true));
    });

  program
    .command("engine")
    .description("manage the engine's libraries")
    .command("add <device>")
    .description("bring the engine's libraries for a GPU: cuda or vulkan")
    .addHelpText("after", "\nExample:\n  depinfer engine add cuda")
    .action(async (device: string) => {
      const { engineAdd } = await import("../commands/engine.ts");
      engineAdd(device, ENGINE_VERSION);
    });
}
