import type { Command } from "commander";
import { homePaths } from "../home.ts";
import { cpuLibrary, home, json } from "./options.ts";
import { integer } from "./values.ts";

/** `depinfer evidence` and `calibrate`: what audits say of a provider, and what they measure against. */
export function addProofCommands(program: Command): void {
  program
    .command("evidence <provider>")
    .description("what all audits together say of a provider, from the chain alone; exit code 1 when it is convicted")
    .addOption(home())
    .option("--network <file>", "the network to read; the local one's by default")
    .addOption(json())
    .addHelpText("after", "\nExample:\n  depinfer evidence 0x70997970c51812dc3a010c7d01b50e0d17dc79c8")
    .action(async (provider: string, options) => {
      const { evidenceCommand } = await import("../commands/evidence.ts");
      const networkFile = options.network ?? homePaths(options.home).network;
      process.exit(await evidenceCommand(provider, { networkFile, json: options.json === true }));
    });

  program
    .command("calibrate [class]")
    .description("measure what honest answers of a runtime class look like, so that cheats can be told from them")
    .option("--model <reference>", "GGUF path, URL or hf: reference; the embedded test model by default")
    .option("--cheaper <file>", "the same model at the next lower precision, which a pass shall rule out")
    .addOption(cpuLibrary())
    .option("--tokens <count>", "output tokens to score", integer, 1_000_000)
    .option("--tasks <name>", "name from which prompts, temperatures and seeds follow", "calibration")
    .option("--out <file>", "where to write it; calibrations/CLASS.json in the home folder by default")
    .addOption(home())
    .addOption(json())
    .addHelpText(
      "after",
      "\nExamples:\n  npx depinfer calibrate --tokens 200000\n  npx depinfer calibrate 0x3c9a --model qwen.q8_0.gguf --cheaper qwen.q4_k_m.gguf",
    )
    .action(async (wanted: string | undefined, options) => {
      const { calibrate } = await import("../commands/calibrate.ts");
      await calibrate(wanted, options);
      process.exit(0);
    });
}
