import type { Command } from "commander";
import { createClient } from "../gateway-client.ts";
import { homePaths } from "../home.ts";
import { accessOf, buyerCommand } from "./buyer-command.ts";
import { cpuLibrary } from "./options.ts";
import { temperature } from "./values.ts";

/** `depinfer chat`, `verify`, `offers`, `providers`, `models` and `why`: what a buyer asks of a gateway. */
export function addBuyerCommands(program: Command): void {
  buyerCommand(program, "chat [prompt]", "talk to a model, streaming", 'depinfer chat "What is a receipt?"')
    .option("--model <name>", "model name or class id")
    .option("--system <text>", "system message")
    .option("--temperature <value>", "sampling temperature", temperature, 0.7)
    .option("--provider <account>", "let nobody else answer")
    .action(async (prompt: string | undefined, options) => {
      const { chat } = await import("../commands/chat.ts");
      const { model, system, provider } = options;
      await chat(createClient(accessOf(options)), {
        temperature: options.temperature,
        json: options.json === true,
        ...(prompt === undefined ? {} : { prompt }),
        ...(model === undefined ? {} : { model }),
        ...(system === undefined ? {} : { system }),
        ...(provider === undefined ? {} : { provider }),
      });
      process.exit(0);
    });

  buyerCommand(
    program,
    "verify <receipt>",
    "check an answer by scoring it again; exit 0 pass, 1 fail, 2 inconclusive",
    "depinfer verify 0x5a…",
  )
    .option(
      "--model <reference>",
      "weights of the answer's class, or its ONNX file; the embedded test model by default",
    )
    .option("--against <url>", "second server of the same model (vLLM, llama-server) that judges a greedy answer")
    .addOption(cpuLibrary())
    .action(async (receipt: string, options) => {
      const { verifyCommand } = await import("../commands/verify.ts");
      const { model } = options;
      process.exit(
        await verifyCommand(receipt, {
          access: accessOf(options),
          networkFile: homePaths(options.home).network,
          json: options.json === true,
          cpuLibrary: options.cpuLibrary,
          against: options.against,
          ...(model === undefined ? {} : { model }),
        }),
      );
    });

  for (const [name, description] of [
    ["offers", "what is on offer, by whom and for how much"],
    ["providers", "who serves"],
  ] as const) {
    buyerCommand(program, name, description, `depinfer ${name} --json`).action(async (options) => {
      const { offers } = await import("../commands/market.ts");
      await offers(createClient(accessOf(options)), options.json === true);
      process.exit(0);
    });
  }

  buyerCommand(program, "models", "models on offer", "depinfer models").action(async (options) => {
    const { models } = await import("../commands/market.ts");
    await models(createClient(accessOf(options)), options.json === true);
    process.exit(0);
  });

  buyerCommand(
    program,
    "why <request>",
    "why a provider was picked and the others were not",
    "depinfer why 0x5a…",
  ).action(async (request: string, options) => {
    const { explain } = await import("../commands/market.ts");
    await explain(createClient(accessOf(options)), request, options.json === true);
    process.exit(0);
  });
}
