import { DepinferError, errorMessage } from "@depinfer/protocol";
import { Command } from "commander";
import { addBuyerCommands } from "./program/buyer.ts";
import { addConcentrationCommands } from "./program/concentration.ts";
import { addDashboardCommand } from "./program/dashboard.ts";
import { addDeployCommand } from "./program/deploy.ts";
import { addDisputeCommands } from "./program/dispute.ts";
import { addEconomyCommands } from "./program/economy.ts";
import { addKeyCommands } from "./program/key.ts";
import { addMaintenanceCommands } from "./program/maintenance.ts";
import { addMarginCommand } from "./program/margin.ts";
import { addMoneyCommands } from "./program/money.ts";
import { addNetworkCommand } from "./program/network.ts";
import { addPassCommands } from "./program/pass.ts";
import { addProofCommands } from "./program/proof.ts";
import { addServiceCommands } from "./program/services.ts";

/*
 * The command line. Each command loads what it needs when it runs, so that `--help` and the small commands start fast
 * and a service carries only its own libraries.
 */

const program = new Command("depinfer")
  .description("An open, decentralised market for AI inference: paid per token, proven by re-scoring.")
  .version("0.1.0")
  .showHelpAfterError("(run with --help for usage)");

// The order here is the order in `--help`.
addNetworkCommand(program);
addServiceCommands(program);
addDashboardCommand(program);
addBuyerCommands(program);
addDisputeCommands(program);
addMoneyCommands(program);
addPassCommands(program);
addKeyCommands(program);
addConcentrationCommands(program);
addMarginCommand(program);
addEconomyCommands(program);
addDeployCommand(program);
addProofCommands(program);
addMaintenanceCommands(program);

try {
  await program.parseAsync();
} catch (error) {
  console.error(
    error instanceof DepinferError
      ? `depinfer: ${error.message}.\n  To fix: ${error.remedy}.`
      : `depinfer: ${errorMessage(error)}`,
  );
  process.exit(1);
}
