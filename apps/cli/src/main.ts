import { ADVERSARIES } from "@depinfer/node";
import {
  bytes32Schema,
  DepinferError,
  errorMessage,
  type Hex,
  MINIMUM_LEVELS,
  microUsd,
  parseMinimumLevel,
} from "@depinfer/protocol";
import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { STORIES, type Story } from "./dispute/story-names.ts";
import { type Access, createClient, readAccess } from "./gateway-client.ts";
import { defaultHome, homePaths } from "./home.ts";
import type { ServiceOptions } from "./service/connect.ts";
import { runService } from "./service/lifecycle.ts";

/*
 * The command line. Each command loads what it needs when it runs, so that `--help` and the small commands start fast
 * and a service carries only its own libraries.
 */

const ENGINE_VERSION = "3.22.1";
const DEFAULT_PORT = 8_787;

function integer(text: string): number {
  if (!/^\d{1,9}$/.test(text)) {
    throw new InvalidArgumentError(`${JSON.stringify(text)} is not a whole number`);
  }
  return Number(text);
}

function rate(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value <= 3_600)) {
    throw new InvalidArgumentError(`${JSON.stringify(text)} is not between 0 and 3600`);
  }
  return value;
}

function fraction(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value <= 1)) {
    throw new InvalidArgumentError(`${JSON.stringify(text)} is not between 0 and 1`);
  }
  return value;
}

function digest(text: string): Hex {
  const parsed = bytes32Schema.safeParse(text.startsWith("0x") ? text : `0x${text}`);
  if (!parsed.success) {
    throw new InvalidArgumentError(`${JSON.stringify(text)} is not a SHA-256 of 64 hexadecimal digits`);
  }
  return parsed.data;
}

function temperature(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value <= 2)) {
    throw new InvalidArgumentError(`${JSON.stringify(text)} is not between 0 and 2`);
  }
  return value;
}

const adversary = () =>
  new Option("--adversary <kind>", "TEST ONLY: cheat on purpose, to see it caught").choices(ADVERSARIES);
const adversaries = () =>
  new Option("--adversary <kinds...>", "TEST ONLY: let the last providers cheat, one in each way").choices(ADVERSARIES);
const minProofLevel = () =>
  new Option("--min-proof-level <level>", "what every answer has to be provable at least")
    .choices(MINIMUM_LEVELS)
    .default("none");
const allowSimulatedAttestation = () =>
  new Option("--allow-simulated-attestation", "TEST ONLY: let SIMULATED attestation pass for attested");
const cpuLibrary = () =>
  new Option(
    "--cpu-library <name>",
    "which processor library computes: portable is the class that all x86-64 machines share, native the fastest here",
  ).default("portable");
const json = () => new Option("--json", "print one JSON object for scripts");
const home = () => new Option("--home <folder>", "where state is kept").default(defaultHome());

const program = new Command("depinfer")
  .description("An open, decentralised market for AI inference: paid per token, proven by re-scoring.")
  .version("0.1.0")
  .showHelpAfterError("(run with --help for usage)");

program
  .command("up")
  .description("start a whole network on this machine")
  .addOption(home())
  .option("--port <port>", "port of the OpenAI-compatible endpoint", integer, DEFAULT_PORT)
  .option("--providers <count>", "number of providers", integer, 4)
  .option("--validators <count>", "number of validators", integer, 2)
  .option("--model <reference>", "GGUF path, URL or hf: reference that providers serve instead of the test model")
  .option("--upstream <url>", "OpenAI-compatible server that providers serve instead of weights")
  .option("--epoch-seconds <seconds>", "time between settlements; 0 settles on command only", integer, 60)
  .option("--audit-rate <share>", "fixed share of receipts to audit, instead of the protocol's schedule", fraction)
  .option("--canaries-per-hour <count>", "requests that each validator buys unseen and audits, on average", rate, 0)
  .option("--once <prompt>", "answer one prompt, prove and settle it, and stop")
  .option("--temperature <value>", "sampling temperature of --once", temperature, 0.7)
  .addOption(adversaries())
  .addOption(json())
  .addHelpText(
    "after",
    '\nExamples:\n  npm start\n  npm start -- --once "Tell me a short story about a fox." --json\n  npm start -- --model hf:Qwen/Qwen2.5-0.5B-Instruct-GGUF:Q8_0\n  npm start -- --adversary model',
  )
  .action(async (options) => {
    const { adversary: kinds, once: prompt, ...rest } = options;
    const network = { ...rest, adversaries: kinds ?? [] };
    if (prompt === undefined) {
      const { up } = await import("./commands/up.ts");
      await up(network);
      process.exit(0);
    }
    const { once } = await import("./commands/once.ts");
    process.exit(await once({ ...network, prompt, json: options.json === true }));
  });

function service(name: string, description: string, example: string): Command {
  const defaults = homePaths(defaultHome());
  return program
    .command(name)
    .description(description)
    .option("--home <folder>", "keystore and journal of this service", defaults.service(name))
    .option("--network <file>", "the network to join: endpoint, contracts, bootstrap list", defaults.network)
    .option(
      "--passphrase-file <file>",
      "passphrase of the keystore; DEPINFER_PASSPHRASE goes first",
      defaults.passphrase,
    )
    .option("--p2p-port <port>", "port for QUIC and TCP; 0 takes a free one", integer, 0)
    .addHelpText("after", `\nExample:\n  ${example}`);
}

function serviceOptions(options: {
  home: string;
  network: string;
  passphraseFile: string;
  p2pPort: number;
}): ServiceOptions {
  return {
    home: options.home,
    networkFile: options.network,
    passphraseFile: options.passphraseFile,
    p2pPort: options.p2pPort,
  };
}

service("node", "serve a model and be paid for it", "depinfer node --upstream http://127.0.0.1:11434/v1 --slots 2")
  .option("--model <reference>", "GGUF path, URL or hf: reference; the embedded test model by default")
  .option("--onnx <file>", "ONNX model to serve tensors with, instead of text")
  .option("--upstream <url>", "OpenAI-compatible server to serve (vLLM, Ollama, llama-server, …)")
  .option("--upstream-model <name>", "model name at the upstream; its first one by default")
  .option(
    "--upstream-weights <sha256>",
    "hash of the weight file that the upstream serves, so that others can check it",
    digest,
  )
  .option("--simulate-attestation", "TEST ONLY: show a SIMULATED quote, as if this ran in a trusted domain")
  .option("--slots <count>", "requests answered at once; each is covered by stake", integer, 2)
  .addOption(
    new Option("--gpu <device>", "compute on a GPU; see `depinfer engine add`").choices(["cuda", "vulkan", "metal"]),
  )
  .addOption(cpuLibrary())
  .option("--context <tokens>", "context length per slot", integer)
  .option("--region <name>", "declared region", "local")
  .option("--price-input <units>", "micro-dollars per million input tokens", integer, 50_000)
  .option("--price-cached <units>", "micro-dollars per million cached input tokens", integer, 12_500)
  .option("--price-output <units>", "micro-dollars per million output tokens", integer, 200_000)
  .option("--epoch-seconds <seconds>", "time between settlements; 0 settles on command only", integer, 60)
  .addOption(adversary())
  .action(async (options) => {
    const { startProvider } = await import("./service/provider.ts");
    const { model, onnx, upstream, upstreamModel, upstreamWeights, context, gpu, adversary: kind } = options;
    await runService("node", options.home, (log) =>
      startProvider(
        {
          ...serviceOptions(options),
          slots: options.slots,
          region: options.region,
          prices: {
            inputPerMillion: microUsd(options.priceInput),
            cachedInputPerMillion: microUsd(options.priceCached),
            outputPerMillion: microUsd(options.priceOutput),
          },
          epochSeconds: options.epochSeconds,
          simulateAttestation: options.simulateAttestation === true,
          cpuLibrary: options.cpuLibrary,
          ...(model === undefined ? {} : { model }),
          ...(upstream === undefined ? {} : { upstream }),
          ...(upstreamWeights === undefined ? {} : { upstreamWeights }),
          ...(onnx === undefined ? {} : { onnx }),
          ...(upstreamModel === undefined ? {} : { upstreamModel }),
          ...(context === undefined ? {} : { contextLength: context }),
          ...(gpu === undefined ? {} : { gpu }),
          ...(kind === undefined ? {} : { adversary: kind }),
        },
        log,
      ),
    );
  });

service("gateway", "buy inference for your apps through an OpenAI-compatible endpoint", "depinfer gateway --port 8787")
  .option("--host <address>", "interface to listen on", "127.0.0.1")
  .option("--port <port>", "port to listen on", integer, DEFAULT_PORT)
  .option("--allow-host <name...>", "host names under which clients may call, besides localhost", [])
  .addOption(minProofLevel())
  .addOption(allowSimulatedAttestation())
  .option("--images <file>", "JSON list of the trusted domains' images that pass for attested")
  .option("--pccs <url>", "server of collateral for hardware quotes")
  .action(async (options) => {
    const { startGateway } = await import("./service/gateway.ts");
    await runService("gateway", options.home, (log) =>
      startGateway(
        {
          ...serviceOptions(options),
          host: options.host,
          port: options.port,
          allowedHosts: options.allowHost,
          minProofLevel: parseMinimumLevel(options.minProofLevel, "--min-proof-level"),
          allowSimulatedAttestation: options.allowSimulatedAttestation === true,
          ...(options.images === undefined ? {} : { images: options.images }),
          ...(options.pccs === undefined ? {} : { pccs: options.pccs }),
        },
        log,
      ),
    );
  });

service("validator", "audit answers and attest verdicts", "depinfer validator --model model.gguf")
  .option("--model <reference>", "weights of the class to audit; the embedded test model by default")
  .addOption(cpuLibrary())
  .option("--canaries-per-hour <count>", "requests to buy unseen and audit, on average; 0 buys none", rate, 0)
  .option("--canary-budget <dollars>", "most that canaries ever may spend", integer, 20)
  .option("--dispute-failures", "open a dispute, with a bond, for every canary that failed", false)
  .option("--lazy", "TEST ONLY: vote pass in every jury without looking, to see it punished", false)
  .action(async (options) => {
    const { startValidator } = await import("./service/validator.ts");
    const { model, lazy } = options;
    await runService("validator", options.home, (log) =>
      startValidator(
        {
          ...serviceOptions(options),
          canariesPerHour: options.canariesPerHour,
          canaryBudget: BigInt(options.canaryBudget) * 1_000_000n,
          disputeFailures: options.disputeFailures,
          lazy,
          cpuLibrary: options.cpuLibrary,
          ...(model === undefined ? {} : { model }),
        },
        log,
      ),
    );
  });

service("indexer", "follow the chain and answer questions about it over HTTP", "depinfer indexer --port 8788")
  .option("--host <address>", "interface to listen on", "127.0.0.1")
  .option("--port <port>", "port to listen on", integer, DEFAULT_PORT + 1)
  .option("--database <url>", "PostgreSQL URL; without it a database inside the process")
  .action(async (options) => {
    const { startIndexer } = await import("./service/indexer.ts");
    const { database } = options;
    await runService("indexer", options.home, (log) =>
      startIndexer(
        {
          ...serviceOptions(options),
          host: options.host,
          port: options.port,
          ...(database === undefined ? {} : { database }),
        },
        log,
      ),
    );
  });

/** Commands that talk to a gateway take its URL and key, or find the local network's. */
function buyerCommand(usage: string, description: string, example: string): Command {
  return program
    .command(usage)
    .description(description)
    .addOption(home())
    .option("--url <url>", "gateway; the local network's by default")
    .option("--key <key>", "API key; the local network's by default")
    .addOption(json())
    .addHelpText("after", `\nExample:\n  ${example}`);
}

function accessOf(options: { home: string; url?: string; key?: string }): Access {
  const { url, key } = options;
  return url !== undefined && key !== undefined
    ? { url, apiKey: key }
    : {
        ...readAccess(options.home),
        ...(url === undefined ? {} : { url }),
        ...(key === undefined ? {} : { apiKey: key }),
      };
}

buyerCommand("chat [prompt]", "talk to a model, streaming", 'depinfer chat "What is a receipt?"')
  .option("--model <name>", "model name or class id")
  .option("--system <text>", "system message")
  .option("--temperature <value>", "sampling temperature", temperature, 0.7)
  .option("--provider <account>", "let nobody else answer")
  .action(async (prompt: string | undefined, options) => {
    const { chat } = await import("./commands/chat.ts");
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
  "verify <receipt>",
  "check an answer by scoring it again; exit 0 pass, 1 fail, 2 inconclusive",
  "depinfer verify 0x5a…",
)
  .option("--model <reference>", "weights of the answer's class, or its ONNX file; the embedded test model by default")
  .option("--against <url>", "second server of the same model (vLLM, llama-server) that judges a greedy answer")
  .addOption(cpuLibrary())
  .action(async (receipt: string, options) => {
    const { verifyCommand } = await import("./commands/verify.ts");
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
  buyerCommand(name, description, `depinfer ${name} --json`).action(async (options) => {
    const { offers } = await import("./commands/market.ts");
    await offers(createClient(accessOf(options)), options.json === true);
    process.exit(0);
  });
}

buyerCommand("models", "models on offer", "depinfer models").action(async (options) => {
  const { models } = await import("./commands/market.ts");
  await models(createClient(accessOf(options)), options.json === true);
  process.exit(0);
});

buyerCommand("why <request>", "why a provider was picked and the others were not", "depinfer why 0x5a…").action(
  async (request: string, options) => {
    const { explain } = await import("./commands/market.ts");
    await explain(createClient(accessOf(options)), request, options.json === true);
    process.exit(0);
  },
);

buyerCommand(
  "dispute <receipt>",
  "have an answer judged by a jury; exit 0 convicted, 1 cleared, 2 no verdict",
  "depinfer dispute 0x5a…",
)
  .option("--wallet <folder>", "keystore whose wallet pays the bond; the gateway's by default")
  .option("--passphrase-file <file>", "its passphrase; DEPINFER_PASSPHRASE goes first")
  .action(async (receipt: string, options) => {
    const { disputeCommand } = await import("./commands/dispute.ts");
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
    const { disputesCommand } = await import("./commands/dispute.ts");
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
    const { rehearse } = await import("./commands/rehearse.ts");
    process.exit(await rehearse(story, options.json === true));
  });

const money = program.command("money").description("where your money is");
money
  .command("where")
  .description("every unit of the services in this home")
  .addOption(home())
  .addOption(json())
  .addHelpText("after", "\nExample:\n  depinfer money where")
  .action(async (options) => {
    const { moneyWhere } = await import("./commands/money.ts");
    await moneyWhere(options.home, options.json === true);
    process.exit(0);
  });

program
  .command("claim")
  .description("post the epoch and claim what is vouchered, for every provider in this home")
  .addOption(home())
  .addOption(json())
  .addHelpText("after", "\nExample:\n  depinfer claim")
  .action(async (options) => {
    const { claim } = await import("./commands/money.ts");
    await claim(options.home, options.json === true);
    process.exit(0);
  });

program
  .command("evidence <provider>")
  .description("what all audits together say of a provider, from the chain alone; exit code 1 when it is convicted")
  .addOption(home())
  .option("--network <file>", "the network to read; the local one's by default")
  .addOption(json())
  .addHelpText("after", "\nExample:\n  depinfer evidence 0x70997970c51812dc3a010c7d01b50e0d17dc79c8")
  .action(async (provider: string, options) => {
    const { evidenceCommand } = await import("./commands/evidence.ts");
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
    const { calibrate } = await import("./commands/calibrate.ts");
    await calibrate(wanted, options);
    process.exit(0);
  });

program
  .command("doctor")
  .description("check what has to work, with one fix for each failure")
  .addOption(home())
  .addOption(json())
  .addHelpText("after", "\nExample:\n  depinfer doctor")
  .action(async (options) => {
    const { doctor } = await import("./commands/doctor.ts");
    process.exit(await doctor(options.home, options.json === true));
  });

program
  .command("engine")
  .description("manage the engine's libraries")
  .command("add <device>")
  .description("bring the engine's libraries for a GPU: cuda or vulkan")
  .addHelpText("after", "\nExample:\n  depinfer engine add cuda")
  .action(async (device: string) => {
    const { engineAdd } = await import("./commands/engine.ts");
    engineAdd(device, ENGINE_VERSION);
  });

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
