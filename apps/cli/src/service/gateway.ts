import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { recoverAddress } from "@depinfer/chain";
import { createEvmAccount } from "@depinfer/chain/evm-account";
import { createBuyer, type FinishedAttempt } from "@depinfer/client";
import {
  type AdminServer,
  createAdminServer,
  createFeed,
  createGateway,
  createMetrics,
  createPassDesk,
  createSeller,
  type Keys,
  type Metrics,
  type Seller,
} from "@depinfer/gateway";
import type { Journal } from "@depinfer/journal";
import {
  DepinferError,
  errorCode,
  errorMessage,
  type Log,
  type MicroUsd,
  type MinimumLevel,
  type SpanRecord,
} from "@depinfer/protocol";
import { writeWhole } from "../network-file.ts";
import { type QuoteCheckOptions, quoteChecker } from "../quote-checker.ts";
import { CHANNEL_DEPOSIT } from "./buyer-settings.ts";
import { connect, type ServiceOptions } from "./connect.ts";
import { gatewayControl } from "./gateway-control.ts";
import { openGroup, openOwnState, openSharedState } from "./gateway-state.ts";
import type { RunningService } from "./lifecycle.ts";
import { tracingOf } from "./tracing.ts";

export interface GatewayServiceOptions extends ServiceOptions, QuoteCheckOptions {
  readonly host: string;
  readonly port: number;
  readonly allowedHosts: readonly string[];
  /** What every answer has to be provable at least. */
  readonly minProofLevel: MinimumLevel;
  /** Sell to whoever pays by x402, without a key. */
  readonly x402: boolean;
  /** Units on top of each `exact` payment, for the gas of its transfer. */
  readonly x402Fee: MicroUsd;
  /** PostgreSQL that many gateways share; without it everything is on this machine's disk. */
  readonly databaseUrl?: string;
  /** How long streams may take to end when the gateway is stopped, in ms. */
  readonly drainMs: number;
  /** The owner's API; without it there is none. */
  readonly admin?: AdminPlace;
}

/** Where the owner's API is, and the file with its token. */
export interface AdminPlace {
  readonly port: number;
  readonly host: string;
  readonly tokenFile?: string;
}

/** Number of the lock under which gateways of a group send transactions of their wallet. */
const WALLET_LOCK = 7_351_002;

export async function startGateway(options: GatewayServiceOptions, log: Log): Promise<RunningService> {
  const group = options.databaseUrl === undefined ? null : await openGroup(options.databaseUrl);
  const { identity, chain, createHost } = await connect(
    options,
    log,
    group === null ? {} : { lock: (work) => group.locked(WALLET_LOCK, work) },
  );
  // Gateways that share a wallet and a signer are nodes of their own.
  const host = await createHost({ role: "gateway", ...(group === null ? {} : { seed: randomBytes(32) }) });
  const { min } = await chain.channels.withdrawDelayBounds();
  const attestationFault = await quoteChecker(options);
  const tracing = tracingOf("gateway", log);
  let metrics: Metrics | undefined;
  const modules = {
    log,
    createBuyer: (journal: Journal) =>
      createBuyer(
        {
          host,
          chain,
          journal,
          sessionSigner: identity.signer,
          recoverAddress,
          log,
          random: Math.random,
          onAttempt(attempt: FinishedAttempt) {
            metrics?.attempted(attempt);
            tracing?.record(spanOf(attempt));
          },
          ...(attestationFault === undefined ? {} : { attestationFault }),
        },
        { payer: identity.wallet.address, channelDeposit: CHANNEL_DEPOSIT, withdrawDelay: min },
      ),
  };
  const state =
    group === null
      ? openOwnState(options.home, modules)
      : await openSharedState(options.home, group, modules, (reason) => {
          // Another gateway goes on with this seat. Started again, this one takes a seat as any other.
          log("error", `this gateway has lost its seat: ${errorMessage(reason)}`);
          process.exit(1);
        });
  const { journal, keys } = state;
  const feed = createFeed(state.buyer);
  const { buyer } = feed;
  const apiKey = await firstKey(options.home, state.firstKeyName, keys);
  metrics = createMetrics(buyer);
  await buyer.start();
  await state.start();
  if (options.x402 && group !== null) {
    log("warn", "x402 is off: what was paid to one gateway is not known to the others of its group");
  }
  const seller = options.x402 && group === null ? await openSeller() : undefined;

  /** A token that cannot be paid with by x402 is no reason to answer nobody. */
  async function openSeller(): Promise<Seller | undefined> {
    const { chainId, addresses } = chain.deployment;
    try {
      return await createSeller(
        { buyer, journal, account: createEvmAccount({ ...chain, account: identity.wallet }), log },
        { chainId, token: addresses.testUsd, settlementFee: options.x402Fee },
      );
    } catch (error) {
      if (errorCode(error) !== "payment.unsupportedToken") {
        throw error;
      }
      log("warn", `x402 is off: ${errorMessage(error)}`);
      return undefined;
    }
  }

  const passes = createPassDesk({
    passes: chain.passes,
    buyer,
    journal,
    use: { operator: identity.wallet.address, signer: identity.signer.address },
    binding: { chainId: chain.deployment.chainId, verifyingContract: chain.deployment.addresses.passes },
    recoverAddress,
  });
  const gateway = createGateway(
    {
      buyer,
      keys,
      admission: state.admission,
      idempotency: state.idempotency,
      responses: state.responses,
      batches: state.batches,
      passes,
      feed,
      log,
      metrics,
      ...(tracing === undefined ? {} : { record: tracing.record }),
      ...(seller === undefined ? {} : { seller }),
    },
    {
      host: options.host,
      port: options.port,
      allowedHosts: options.allowedHosts,
      minProofLevel: options.minProofLevel,
      allowSimulatedAttestation: options.allowSimulatedAttestation,
    },
  );
  await gateway.start().catch((cause: unknown) => {
    throw portBusy(options.port, options.host, cause);
  });
  const admin = options.admin === undefined ? undefined : await openAdmin(options.admin);
  const url = `http://${options.host}:${gateway.port}`;

  async function openAdmin({ port, host: adminHost, tokenFile }: AdminPlace): Promise<AdminServer> {
    const server = createAdminServer(
      { keys, buyer, drain: gateway.drain, log, ...(metrics === undefined ? {} : { metrics }) },
      {
        port,
        host: adminHost,
        allowedHosts: options.allowedHosts,
        token: await adminToken(tokenFile ?? join(options.home, "admin-token")),
      },
    );
    await server.start().catch((cause: unknown) => {
      throw portBusy(port, adminHost, cause);
    });
    return server;
  }
  return {
    drainMs: options.drainMs,
    info: {
      ...state.info,
      ...(admin === undefined ? {} : { adminUrl: `http://${options.admin?.host}:${admin.port}/admin` }),
      url,
      apiKeyFile: apiKeyPath(options.home),
      payer: identity.wallet.address,
      peerId: host.peerId,
      addresses: host.addresses,
    },
    control: {
      state: () => ({
        url,
        payer: identity.wallet.address,
        offers: buyer.offers().length,
        ...buyer.money(),
        x402: seller?.income() ?? null,
      }),
      apiKey: () => apiKey,
      x402: async () => ({ income: seller?.income() ?? [], unclaimed: (await seller?.unclaimed()) ?? 0n }),
      ...gatewayControl({ buyer, keys, passes }),
    },
    async stop() {
      await gateway.stop(options.drainMs);
      await admin?.stop();
      await seller?.stop();
      await state.stop();
      await host.stop();
      await tracing?.stop();
    },
  };
}

function spanOf({ requestId, kind, provider, model, startedAt, endedAt, error }: FinishedAttempt): SpanRecord {
  return {
    requestId,
    name: `ask a provider: ${kind}`,
    kind: "client",
    startedAt,
    endedAt,
    ...(error === null ? {} : { error: error.message }),
    attributes: { "depinfer.provider": provider, "gen_ai.request.model": model, "depinfer.attempt": kind },
  };
}

/** Where the key made at the first start is kept, mode 0600. */
export function apiKeyPath(home: string): string {
  return join(home, "api-key");
}

async function firstKey(home: string, name: string, keys: Keys): Promise<string> {
  const path = apiKeyPath(home);
  try {
    const key = readFileSync(path, "utf8").trim();
    await keys.authenticate({ authorization: `Bearer ${key}` });
    return key;
  } catch {
    // The first start, or a file that no longer fits the journal: a fresh key replaces it.
    const key = await keys.replace(name, null);
    await writeWhole(path, `${key}\n`);
    return key;
  }
}

/** The token of the owner's API, made at the first start and kept with mode 0600. */
async function adminToken(path: string): Promise<string> {
  if (existsSync(path)) {
    return readFileSync(path, "utf8").trim();
  }
  const token = randomBytes(32).toString("base64url");
  await writeWhole(path, `${token}\n`);
  return token;
}

function portBusy(port: number, host: string, cause: unknown): DepinferError {
  return new DepinferError({
    code: "gateway.portBusy",
    message: `Port ${port} on ${host} cannot be listened on`,
    remedy: "Choose another one, or stop what is using it",
    metadata: { port },
    cause,
  });
}
