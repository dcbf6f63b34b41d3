import { INDEX_WINDOWS } from "@depinfer/protocol/api";
import { type Command, Option } from "commander";
import { homePaths } from "../home.ts";
import { home, json } from "./options.ts";

/** `depinfer index` and `own`: who is behind the network, and how few. */
export function addConcentrationCommands(program: Command): void {
  program
    .command("index")
    .description("how few could hold up the network, layer by layer")
    .option("--explain <layer>", "work out one layer: formula, inputs, who has most")
    .addOption(
      new Option("--window <window>", "time that traffic is counted over")
        .choices(Object.keys(INDEX_WINDOWS))
        .default("day"),
    )
    .option("--indexer-url <url>", "indexer to ask; the local network's by default")
    .addOption(home())
    .addOption(json())
    .addHelpText("after", "\nExamples:\n  depinfer index\n  depinfer index --explain revenue --window week")
    .action(async (options) => {
      const { indexCommand } = await import("../commands/network-index.ts");
      const { openIndexer } = await import("../indexer-client.ts");
      const { window, explain } = options;
      await indexCommand(openIndexer({ url: options.indexerUrl, home: options.home }), {
        window,
        explain,
        json: options.json === true,
      });
      process.exit(0);
    });

  program
    .command("own <operator>")
    .description("sign, as an owner, that an operator is yours; its node shows it with --ownership")
    .requiredOption("--key-file <file>", "file with the owner's private key")
    .option("--out <file>", "where the signed word goes; standard output by default")
    .addOption(home())
    .option("--network <file>", "the network that the operator is registered on; the one in the home by default")
    .addHelpText("after", "\nExample:\n  depinfer own 0x5a… --key-file owner.key --out ownership.json")
    .action(async (operator: string, options) => {
      const { ownCommand } = await import("../commands/own.ts");
      const { keyFile, out, network = homePaths(options.home).network } = options;
      await ownCommand(operator, { keyFile, out, networkFile: network });
      process.exit(0);
    });
}
