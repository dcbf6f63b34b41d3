import type { Command } from "commander";
import { adversaries, DEFAULT_PORT, home, json } from "./options.ts";
import { fraction, integer, percent, rate, seconds, temperature } from "./values.ts";

/** `depinfer up`. */
export function addNetworkCommand(program: Command): void {
  program
    .command("up")
    .description("start a whole network on this machine")
    .addOption(home())
    .option("--port <port>", "port of the OpenAI-compatible endpoint", integer, DEFAULT_PORT)
    .option("--providers <count>", "number of providers", integer, 4)
    .option(
      "--owners <count>",
      "owners that the providers are divided among; one, as all of this machine is yours",
      integer,
      1,
    )
    .option("--validators <count>", "number of validators", integer, 2)
    .option("--gateways <count>", "number of gateways; more than one share --database-url", integer, 1)
    .option("--database-url <url>", "PostgreSQL in which gateways keep what they share")
    .option("--model <reference>", "GGUF path, URL or hf: reference that providers serve instead of the test model")
    .option("--upstream <url>", "OpenAI-compatible server that providers serve instead of weights")
    .option("--epoch-seconds <seconds>", "time between settlements; 0 settles on command only", integer, 60)
    .option(
      "--discount <percent>",
      "let providers follow the base price, this much below it, in place of fixed prices",
      percent,
    )
    .option("--base-price-seconds <seconds>", "time between two steps of the base price", seconds, 60)
    .option("--audit-rate <share>", "fixed share of receipts to audit, instead of the protocol's schedule", fraction)
    .option("--canaries-per-hour <count>", "requests that each validator buys unseen and audits, on average", rate, 0)
    .option("--rpc-url <url>", "use the chain at this endpoint instead of one of its own; needs --key-file")
    .option(
      "--key-file <file>",
      "private key (0x and 64 digits) that deploys the contracts there and funds the services",
    )
    .option("--dashboard", "build and serve the dashboard", true)
    .option("--no-dashboard", "leave it out")
    .option("--once <prompt>", "answer one prompt, prove and settle it, and stop")
    .option("--temperature <value>", "sampling temperature of --once", temperature, 0.7)
    .addOption(adversaries())
    .addOption(json())
    .addHelpText(
      "after",
      '\nExamples:\n  npm start\n  npm start -- --once "Tell me a short story about a fox." --json\n  npm start -- --model hf:Qwen/Qwen2.5-0.5B-Instruct-GGUF:Q8_0\n  npm start -- --adversary model\n  npm start -- --rpc-url https://rpc.example --key-file deployer.key',
    )
    .action(async (options) => {
      const { adversary: kinds, once: prompt, ...rest } = options;
      const network = { ...rest, adversaries: kinds ?? [] };
      if (prompt === undefined) {
        const { up } = await import("../commands/up.ts");
        await up(network);
        process.exit(0);
      }
      const { once } = await import("../commands/once.ts");
      process.exit(await once({ ...network, owners: 0, dashboard: false, prompt, json: options.json === true }));
    });
}
