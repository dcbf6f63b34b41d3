import { join } from "node:path";
import type { Command } from "commander";
import { homePaths } from "../home.ts";
import { runService } from "../service/lifecycle.ts";
import { cpuLibrary, DEFAULT_PORT, home } from "./options.ts";
import { integer, url } from "./values.ts";

/** `depinfer dashboard`. */
export function addDashboardCommand(program: Command): void {
  program
    .command("dashboard")
    .description("serve the dashboard: buy, verify and follow the money in a browser")
    .addOption(home())
    .option("--network <file>", "the network's file; the one in the home by default")
    .option("--host <address>", "interface to listen on", "127.0.0.1")
    .option("--port <port>", "port to listen on", integer, DEFAULT_PORT + 2)
    .option("--allow-host <name...>", "host names under which it may be opened, besides localhost", [])
    .option("--gateway-url <url>", "gateway that answers; the one of this home by default", url)
    .option("--indexer-url <url>", "indexer that tells of the network; the one of this home by default", url)
    .option("--rpc-url <url>", "the chain's endpoint for pages; the network's by default", url)
    .option("--api-key-file <file>", "key of the gateway, told to browsers on this machine only")
    .option("--model <reference>", "weights to verify answers with; the embedded test model by default")
    .addOption(cpuLibrary())
    .option("--test-wallet", "TEST ONLY: sign for the page with the account `visitor` of this home", false)
    .addHelpText("after", "\nExample:\n  depinfer dashboard --gateway-url http://127.0.0.1:8787")
    .action(async ({ gatewayUrl, indexerUrl, rpcUrl, apiKeyFile, network, model, ...options }) => {
      const { startDashboard } = await import("../service/dashboard.ts");
      await runService("dashboard", join(options.home, "dashboard"), (log) =>
        startDashboard(
          {
            home: options.home,
            networkFile: network ?? homePaths(options.home).network,
            host: options.host,
            port: options.port,
            allowedHosts: options.allowHost,
            testWallet: options.testWallet,
            cpuLibrary: options.cpuLibrary,
            ...(model === undefined ? {} : { model }),
            ...(gatewayUrl === undefined ? {} : { gatewayUrl }),
            ...(indexerUrl === undefined ? {} : { indexerUrl }),
            ...(rpcUrl === undefined ? {} : { rpcUrl }),
            ...(apiKeyFile === undefined ? {} : { apiKeyFile }),
          },
          log,
        ),
      );
    });
}
