import { LAYERS } from "@depinfer/economics";
import { FEATURES, microUsd, parseMinimumLevel } from "@depinfer/protocol";
import { type Command, Option } from "commander";
import { defaultHome, homePaths } from "../home.ts";
import type { ServiceOptions } from "../service/connect.ts";
import { runService } from "../service/lifecycle.ts";
import { adversary, allowSimulatedAttestation, cpuLibrary, DEFAULT_PORT, minProofLevel } from "./options.ts";
import { digest, integer, percent, rate, seconds, url } from "./values.ts";

/** `depinfer node`, `gateway`, `validator` and `indexer`: the processes that make up a network. */
export function addServiceCommands(program: Command): void {
  addNode(program);
  addGateway(program);
  addValidator(program);
  addIndexer(program);
}

function addNode(program: Command): void {
  service(
    program,
    "node",
    "serve a model and be paid for it",
    "depinfer node --upstream http://127.0.0.1:11434/v1 --slots 2",
  )
    .option("--model <reference>", "GGUF path, URL or hf: reference; the embedded test model by default")
    .option("--onnx <file>", "ONNX model to serve tensors with, instead of text")
    .option("--upstream <url>", "OpenAI-compatible server to serve (vLLM, Ollama, llama-server, …)")
    .option("--upstream-model <name>", "model name at the upstream; its first one by default")
    .option(
      "--upstream-weights <sha256>",
      "hash of the weight file that the upstream serves, so that others can check it",
      digest,
    )
    .addOption(
      new Option(
        "--features <names...>",
        "what the upstream honours (penalties, images, …), if it is not to be found out by asking it",
      ).choices(FEATURES),
    )
    .option("--simulate-attestation", "TEST ONLY: show a SIMULATED quote, as if this ran in a trusted domain")
    .option("--slots <count>", "requests answered at once; each is covered by stake", integer, 2)
    .addOption(
      new Option("--gpu <device>", "compute on a GPU; see `depinfer engine add`").choices(["cuda", "vulkan", "metal"]),
    )
    .addOption(cpuLibrary())
    .option("--context <tokens>", "context length per slot", integer)
    .option("--region <name>", "declared region", "local")
    .option("--ownership <file>", "the owner's signed word that this provider is theirs; `depinfer own` makes it")
    .option("--price-input <units>", "micro-dollars per million input tokens", integer, 50_000)
    .option("--price-cached <units>", "micro-dollars per million cached input tokens", integer, 12_500)
    .option(
      "--pass-floor <units>",
      "least flat price per million tokens for holders of passes; the input price by default",
      integer,
    )
    .option("--price-output <units>", "micro-dollars per million output tokens", integer, 200_000)
    .option("--discount <percent>", "follow the model's base price, this much below it; needs --indexer-url", percent)
    .option("--floor-output <units>", "with --discount: least micro-dollars per million output tokens", integer, 1)
    .option("--indexer-url <url>", "with --discount: the indexer that tells the base price", url)
    .option("--base-price-seconds <seconds>", "with --discount: least time between two steps", seconds, 3_600)
    .option("--epoch-seconds <seconds>", "time between settlements; 0 settles on command only", integer, 60)
    .option("--x402-port <port>", "also sell this model alone to whoever pays by x402, on this port", integer)
    .option("--x402-allow-host <name...>", "host names of that port, besides localhost", [])
    .option("--x402-fee <units>", "micro-dollars on top of each x402 payment, for the gas of its transfer", integer, 0)
    .addOption(adversary())
    .action(async (options) => {
      const { startProvider } = await import("../service/provider.ts");
      const { model, onnx, upstream, upstreamModel, upstreamWeights, context, gpu, adversary: kind } = options;
      await runService("node", options.home, (log) =>
        startProvider(
          {
            ...serviceOptions(options),
            slots: options.slots,
            region: options.region,
            ...(options.ownership === undefined ? {} : { ownershipFile: options.ownership }),
            ...(options.passFloor === undefined ? {} : { passFloor: microUsd(options.passFloor) }),
            prices: {
              inputPerMillion: microUsd(options.priceInput),
              cachedInputPerMillion: microUsd(options.priceCached),
              outputPerMillion: microUsd(options.priceOutput),
            },
            epochSeconds: options.epochSeconds,
            ...discountOf(program, options),
            simulateAttestation: options.simulateAttestation === true,
            cpuLibrary: options.cpuLibrary,
            ...(model === undefined ? {} : { model }),
            ...(upstream === undefined ? {} : { upstream }),
            ...(upstreamWeights === undefined ? {} : { upstreamWeights }),
            ...(options.features === undefined
              ? {}
              : { features: FEATURES.filter((feature) => options.features?.includes(feature)) }),
            ...(onnx === undefined ? {} : { onnx }),
            ...(upstreamModel === undefined ? {} : { upstreamModel }),
            ...(context === undefined ? {} : { contextLength: context }),
            ...(gpu === undefined ? {} : { gpu }),
            ...(kind === undefined ? {} : { adversary: kind }),
            ...(options.x402Port === undefined
              ? {}
              : {
                  shop: {
                    port: options.x402Port,
                    allowedHosts: options.x402AllowHost,
                    fee: microUsd(options.x402Fee),
                  },
                }),
          },
          log,
        ),
      );
    });
}

/** The discount that is wanted; both flags or none. */
function discountOf(
  program: Command,
  {
    discount,
    floorOutput,
    indexerUrl,
    basePriceSeconds,
    priceOutput,
  }: {
    discount?: number;
    floorOutput: number;
    indexerUrl?: string;
    basePriceSeconds: number;
    priceOutput: number;
  },
) {
  if (discount === undefined) {
    return {};
  }
  if (indexerUrl === undefined) {
    program.error("error: --discount needs --indexer-url: the base price is what an indexer tells");
  }
  if (floorOutput > priceOutput) {
    program.error(
      `error: --floor-output ${floorOutput} is above --price-output ${priceOutput}, at which the provider begins`,
    );
  }
  const [bps, floor] = [Math.round(discount * 100), BigInt(Math.max(1, floorOutput))];
  return { discount: { bps, floor, indexerUrl, periodSeconds: basePriceSeconds } };
}

function addGateway(program: Command): void {
  service(
    program,
    "gateway",
    "buy inference for your apps through an OpenAI-compatible endpoint",
    "depinfer gateway --port 8787",
  )
    .option("--host <address>", "interface to listen on", "127.0.0.1")
    .option("--port <port>", "port to listen on", integer, DEFAULT_PORT)
    .option("--allow-host <name...>", "host names under which clients may call, besides localhost", [])
    .addOption(minProofLevel())
    .addOption(allowSimulatedAttestation())
    .addOption(
      new Option(
        "--database-url <url>",
        "PostgreSQL that this gateway shares with others, as postgres://user@host/name",
      ).env("DEPINFER_DATABASE_URL"),
    )
    .option(
      "--keys-from <folder>",
      "folder of the gateway whose keystore this one uses; gateways of a database share one",
    )
    .option("--drain <seconds>", "how long streams may take to end when the gateway is stopped", integer, 2)
    .option("--admin-port <port>", "port of the owner's API and of metrics", integer)
    .option("--admin-host <address>", "interface of the owner's API", "127.0.0.1")
    .option("--admin-token-file <file>", "token of the owner's API; made in the home when missing")
    .option("--no-x402", "answer only holders of keys, not everybody who pays by x402")
    .option("--x402-fee <units>", "micro-dollars on top of each x402 payment, for the gas of its transfer", integer, 0)
    .option("--images <file>", "JSON list of the trusted domains' images that pass for attested")
    .option("--pccs <url>", "server of collateral for hardware quotes")
    .action(async (options) => {
      const { startGateway } = await import("../service/gateway.ts");
      await runService("gateway", options.home, (log) =>
        startGateway(
          {
            ...serviceOptions(options),
            host: options.host,
            port: options.port,
            allowedHosts: options.allowHost,
            ...(options.keysFrom === undefined ? {} : { keysFolder: options.keysFrom }),
            drainMs: options.drain * 1_000,
            ...(options.databaseUrl === undefined ? {} : { databaseUrl: options.databaseUrl }),
            ...(options.adminPort === undefined
              ? {}
              : {
                  admin: {
                    port: options.adminPort,
                    host: options.adminHost,
                    ...(options.adminTokenFile === undefined ? {} : { tokenFile: options.adminTokenFile }),
                  },
                }),
            x402: options.x402,
            x402Fee: microUsd(options.x402Fee),
            minProofLevel: parseMinimumLevel(options.minProofLevel, "--min-proof-level"),
            allowSimulatedAttestation: options.allowSimulatedAttestation === true,
            ...(options.images === undefined ? {} : { images: options.images }),
            ...(options.pccs === undefined ? {} : { pccs: options.pccs }),
          },
          log,
        ),
      );
    });
}

function addValidator(program: Command): void {
  service(program, "validator", "audit answers and attest verdicts", "depinfer validator --model model.gguf")
    .option("--model <reference>", "weights of the class to audit; the embedded test model by default")
    .addOption(cpuLibrary())
    .option("--canaries-per-hour <count>", "requests to buy unseen and audit, on average; 0 buys none", rate, 0)
    .option("--canary-budget <dollars>", "most that canaries ever may spend", integer, 20)
    .option("--dispute-failures", "open a dispute, with a bond, for every canary that failed", false)
    .option("--lazy", "TEST ONLY: vote pass in every jury without looking, to see it punished", false)
    .action(async (options) => {
      const { startValidator } = await import("../service/validator.ts");
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
}

function addIndexer(program: Command): void {
  service(
    program,
    "indexer",
    "follow the chain and answer questions about it over HTTP",
    "depinfer indexer --port 8788",
  )
    .option("--host <address>", "interface to listen on", "127.0.0.1")
    .option("--port <port>", "port to listen on", integer, DEFAULT_PORT + 1)
    .option("--database <url>", "PostgreSQL URL; without it a database inside the process")
    .addOption(
      new Option(
        "--set-aside <layers...>",
        "layers that are shown and left out of the network's index, because this network could not have them otherwise",
      ).choices(LAYERS.map(({ name }) => name)),
    )
    .option("--set-aside-because <reason>", "what is said of these layers", "Whoever runs this indexer left it out")
    .option("--base-price-seconds <seconds>", "time between two steps of the base prices", seconds, 3_600)
    .action(async (options) => {
      const { startIndexer } = await import("../service/indexer.ts");
      const { database, setAside = [], setAsideBecause } = options;
      await runService("indexer", options.home, (log) =>
        startIndexer(
          {
            ...serviceOptions(options),
            host: options.host,
            port: options.port,
            basePriceSeconds: options.basePriceSeconds,
            setAside: Object.fromEntries(setAside.map((layer: string) => [layer, setAsideBecause])),
            ...(database === undefined ? {} : { database }),
          },
          log,
        ),
      );
    });
}

function service(program: Command, name: string, description: string, example: string): Command {
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
    .option("--p2p-host <address>", "interface for QUIC and TCP", "127.0.0.1")
    .option("--announce", "add this service's addresses to the network's bootstrap list", false)
    .addHelpText("after", `\nExample:\n  ${example}`);
}

function serviceOptions(options: {
  home: string;
  network: string;
  passphraseFile: string;
  p2pPort: number;
  p2pHost: string;
  announce: boolean;
}): ServiceOptions {
  return {
    home: options.home,
    networkFile: options.network,
    p2pHost: options.p2pHost,
    announce: options.announce,
    passphraseFile: options.passphraseFile,
    p2pPort: options.p2pPort,
  };
}
