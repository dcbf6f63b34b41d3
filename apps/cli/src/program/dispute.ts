import { Argument, type Command } from "commander";
import { STORIES, type Story } from "../dispute/story-names.ts";
import { homePaths } from "../home.ts";
import { accessOf, buyerCommand } from "./buyer-command.ts";
import { home, json } from "./options.ts";

/** `depinfer dispute`, `disputes` and `rehearse`. */
export function addDisputeCommands(program: Command): void {
  buyerCommand(
    program,
    "dispute <receipt>",
    "have an answer judged by a jury; exit 0 convicted, 1 cleared, 2 no verdict",
    "depinfer dispute 0x5a…",
  )
    .option("--wallet <folder>", "keystore whose wallet pays the bond; the gateway's by default")
    .option("--passphrase-file <file>", "its passphrase; DEPINFER_PASSPHRASE goes first")
    .action(async (receipt: string, options) => {
      const { disputeCommand } = await import("../commands/dispute.ts");
      const paths = homePaths(options.home);
      process.exit(
        await disputeCommand(receipt, {
          access: () => accessOf(options),
          networkFile: paths.network,
          wallet: options.wallet ?? paths.service("gateway"),
          passphraseFile: options.passphraseFile ?? paths.passphrase,
          json: options.json === true,
        }),
      );
    });

  program
    .command("disputes")
    .description("all disputes, the newest first")
    .addOption(home())
    .addOption(json())
    .addHelpText("after", "\nExample:\n  depinfer disputes")
    .action(async (options) => {
      const { disputesCommand } = await import("../commands/dispute.ts");
      await disputesCommand(homePaths(options.home).network, options.json === true);
      process.exit(0);
    });

  program
    .command("rehearse")
    .description("play a dispute on a fresh local network with test money: who loses what, shown by balances")
    .addArgument(new Argument("<story>", "what happens").choices(STORIES))
    .addOption(json())
    .addHelpText("after", "\nExample:\n  depinfer rehearse cheat")
    .action(async (story: Story, options) => {
      const { rehearse } = await import("../commands/rehearse.ts");
      process.exit(await rehearse(story, options.json === true));
    });
}
