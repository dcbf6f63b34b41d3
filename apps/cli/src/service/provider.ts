import { randomBytes } from "node:crypto";
import { join as joinPath } from "node:path";
import { recoverAddress } from "@depinfer/chain";
import {
  type CpuLibrary,
  createLlamaEngine,
  createUpstreamEngine,
  type Engine,
  type GpuDevice,
} from "@depinfer/inference";
import { openJournal } from "@depinfer/journal";
import {
  ADVERSARY_DESCRIPTIONS,
  type AdversaryKind,
  createAdversary,
  createNode,
  createNonceBook,
  needsSubstitute,
  PROVIDER_MIGRATIONS,
} from "@depinfer/node";
import { type Feature, type Hex, type Log, type MicroUsd, microUsd, type Prices, toHex } from "@depinfer/protocol";
import { auditRulesOf } from "../audit-rules.ts";
import { embeddedModels } from "../home.ts";
import { openIndexer } from "../indexer-client.ts";
import { resolveModel } from "../model-file.ts";
import { readOwnership } from "../ownership-file.ts";
import { followBasePrice } from "./base-price-follower.ts";
import { connect, type ServiceOptions } from "./connect.ts";
import { join } from "./join.ts";
import type { RunningService } from "./lifecycle.ts";
import { openProviderShop, type ProviderShopOptions } from "./provider-shop.ts";
import { tracingOf } from "./tracing.ts";

/** How far below the base price a provider sells. */
export interface Discount {
  /** Parts of ten thousand. */
  readonly bps: number;
  /** Least units per million output tokens. */
  readonly floor: bigint;
  readonly indexerUrl: string;
  /** Least time between two steps. */
  readonly periodSeconds: number;
}

export interface ProviderOptions extends ServiceOptions {
  /** Path, URL or `hf:` reference of a GGUF file; the embedded test model by default. */
  readonly model?: string;
  /** Path of an ONNX model to serve tensors with instead. */
  readonly onnx?: string;
  /** URL of an OpenAI-compatible server to serve instead of weights. */
  readonly upstream?: string;
  readonly upstreamModel?: string;
  /** SHA-256 of the weight file that the upstream serves, as its operator declares it. */
  readonly upstreamWeights?: Hex;
  /** What the upstream honours, as its operator declares it; otherwise it is asked. */
  readonly features?: readonly Feature[];
  /** Show a SIMULATED quote, as if this ran in a trusted domain. For tests and demonstrations. */
  readonly simulateAttestation: boolean;
  readonly slots: number;
  readonly contextLength?: number;
  readonly gpu?: GpuDevice;
  readonly cpuLibrary?: CpuLibrary;
  readonly region: string;
  /** File with the owner's signed word that this provider is theirs, as `depinfer own` writes it. */
  readonly ownershipFile?: string;
  /** Units per million tokens. */
  readonly prices: Prices;
  /** Follow the model's base price, this much below it, as an indexer tells it. */
  readonly discount?: Discount;
  /** Least flat price per million tokens at which holders of passes are served; the input price by default. */
  readonly passFloor?: MicroUsd;
  readonly epochSeconds: number;
  readonly adversary?: AdversaryKind;
  /** Sell the model to whoever pays by x402 as well. */
  readonly shop?: Omit<ProviderShopOptions, "home">;
}

/** Units delivered without a voucher that a provider tolerates: a cent. */
const CREDIT_WINDOW = microUsd(10_000);
/** Units of each deposit that stay unused, in case two parties count differently. */
const DEPOSIT_MARGIN = microUsd(1_000);

export async function startProvider(options: ProviderOptions, log: Log): Promise<RunningService> {
  const opened = await openEngine(options, log);
  const connected = await connect(options, log);
  const { identity, chain, network, createHost } = connected;
  const engine = options.simulateAttestation ? await simulated(opened, identity.signer.address, log) : opened;
  const nonces = createNonceBook();
  const host = await createHost({ role: "provider", nonceHeadFor: nonces.headFor });
  const provider = identity.wallet.address;
  const { description } = engine;
  const ownership =
    options.ownershipFile === undefined ? undefined : readOwnership(options.ownershipFile, provider, chain.deployment);
  await join(
    chain,
    provider,
    {
      role: "provider",
      receiptKey: identity.signer.address,
      peerId: host.peerId,
      slots: description.slots,
      classIds: [description.classId],
    },
    log,
  );
  const journal = openJournal({
    path: joinPath(options.home, "journal.sqlite"),
    parts: { provider: PROVIDER_MIGRATIONS },
  });
  const tracing = tracingOf("provider", log);
  const node = createNode(
    {
      host,
      chain,
      engine,
      journal,
      nonces,
      receiptSigner: identity.signer,
      recoverAddress,
      log,
      ...(tracing === undefined ? {} : { record: tracing.record }),
    },
    {
      provider,
      prices: options.prices,
      ...(options.passFloor === undefined ? {} : { passFloor: options.passFloor }),
      region: options.region,
      ...(ownership === undefined ? {} : { ownership }),
      epochMs: options.epochSeconds * 1000,
      creditWindow: CREDIT_WINDOW,
      depositMargin: DEPOSIT_MARGIN,
      audits: auditRulesOf(network),
      ...(options.adversary === undefined ? {} : { adversary: options.adversary }),
    },
  );
  await node.start();
  const unfollow =
    options.discount === undefined
      ? undefined
      : followBasePrice(
          openIndexer({ url: options.discount.indexerUrl, home: options.home }),
          node.post,
          {
            model: description.model,
            prices: options.prices,
            discountBps: options.discount.bps,
            floor: options.discount.floor,
            periodMs: options.discount.periodSeconds * 1_000,
          },
          log,
        );
  const shop =
    options.shop === undefined
      ? undefined
      : await openProviderShop({ connected, host, log }, { ...options.shop, home: options.home });
  return {
    info: {
      ...(shop === undefined ? {} : { x402: shop.url }),
      provider,
      peerId: host.peerId,
      addresses: host.addresses,
      model: description.model,
      classId: description.classId,
      proofLevel: description.proofLevel,
      slots: description.slots,
      adversary: options.adversary ?? null,
    },
    control: {
      state: () => ({ ...node.state(), ...(shop === undefined ? {} : { x402: shop.income() }) }),
      settle: () => node.settle(),
      channels: () =>
        node.channels().map(({ id, config, owed, vouchered, settled }) => ({
          id,
          with: config.payer,
          vouchered: vouchered.toString(),
          inFlight: (owed > vouchered ? owed - vouchered : 0n).toString(),
          settled: settled.toString(),
        })),
    },
    async stop() {
      unfollow?.();
      await shop?.stop();
      await node.stop();
      await host.stop();
      await tracing?.stop();
      journal.close();
      await engine.dispose();
    },
  };
}

async function simulated(engine: Engine, receiptKey: Hex, log: Log): Promise<Engine> {
  const { createAttestedEngine, SIMULATED_IMAGE, simulateQuote } = await import("@depinfer/inference/attestation");
  log("warn", "SIMULATED attestation: no hardware stands behind this provider's quote", { receiptKey });
  const nonce = toHex(randomBytes(32));
  const subject = { classId: engine.description.classId, receiptKey, nonce };
  const quote = Buffer.from(simulateQuote({ image: SIMULATED_IMAGE }, subject)).toString("base64");
  return createAttestedEngine(engine, { kind: "SIMULATED", quote, nonce });
}

async function openEngine(options: ProviderOptions, log: Log): Promise<Engine> {
  if (options.onnx !== undefined) {
    const { createOnnxEngine, createTensorProvider } = await import("@depinfer/inference/onnx");
    return createTensorProvider(await createOnnxEngine({ modelPath: options.onnx }));
  }
  if (options.upstream !== undefined) {
    const upstream = await createUpstreamEngine({
      url: options.upstream,
      slots: options.slots,
      ...(options.upstreamWeights === undefined ? {} : { weights: options.upstreamWeights }),
      ...(options.features === undefined ? {} : { features: options.features }),
      ...(options.upstreamModel === undefined ? {} : { model: options.upstreamModel }),
      ...(options.contextLength === undefined ? {} : { contextLength: options.contextLength }),
      ...(process.env.DEPINFER_UPSTREAM_KEY === undefined ? {} : { apiKey: process.env.DEPINFER_UPSTREAM_KEY }),
    });
    const { proofLevel, levelNote } = upstream.description;
    if (levelNote !== undefined) {
      log("warn", `this upstream's proof level is ${proofLevel}: ${levelNote}`, { proofLevel });
    }
    return upstream;
  }
  const open = (modelPath: string) =>
    createLlamaEngine({
      modelPath,
      slots: options.slots,
      ...(options.contextLength === undefined ? {} : { contextLength: options.contextLength }),
      ...(options.gpu === undefined ? {} : { gpu: options.gpu }),
      ...(options.cpuLibrary === undefined ? {} : { cpuLibrary: options.cpuLibrary }),
    });
  const honest = await open(await resolveModel(options.model));
  const { adversary } = options;
  if (adversary === undefined) {
    return honest;
  }
  log("warn", `TEST ADVERSARY: this provider cheats on purpose; it ${ADVERSARY_DESCRIPTIONS[adversary]}`, {
    adversary,
  });
  const cheaper = adversary === "model" ? embeddedModels.nano : embeddedModels.tinyLowPrecision;
  return createAdversary(adversary, honest, needsSubstitute(adversary) ? await open(cheaper) : honest);
}
