import { readFileSync } from "node:fs";
import { join } from "node:path";
import { recoverAddress } from "@depinfer/chain";
import { createEvmAccount } from "@depinfer/chain/evm-account";
import { BUYER_MIGRATIONS, createBuyer } from "@depinfer/client";
import {
  createGateway,
  createIdempotency,
  createKeys,
  createPassDesk,
  createSeller,
  GATEWAY_MIGRATIONS,
  type Keys,
  type Seller,
} from "@depinfer/gateway";
import { openJournal } from "@depinfer/journal";
import { DepinferError, errorCode, errorMessage, type Log, type MicroUsd, type MinimumLevel } from "@depinfer/protocol";
import { writeWhole } from "../network-file.ts";
import { type QuoteCheckOptions, quoteChecker } from "../quote-checker.ts";
import { CHANNEL_DEPOSIT } from "./buyer-settings.ts";
import { connect, type ServiceOptions } from "./connect.ts";
import { gatewayControl } from "./gateway-control.ts";
import type { RunningService } from "./lifecycle.ts";

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
}

export async function startGateway(options: GatewayServiceOptions, log: Log): Promise<RunningService> {
  const { identity, chain, createHost } = await connect(options, log);
  const host = await createHost({ role: "gateway" });
  const journal = openJournal({
    path: join(options.home, "journal.sqlite"),
    parts: { buyer: BUYER_MIGRATIONS, gateway: GATEWAY_MIGRATIONS },
  });
  const { min } = await chain.channels.withdrawDelayBounds();
  const attestationFault = await quoteChecker(options);
  const buyer = createBuyer(
    {
      host,
      chain,
      journal,
      sessionSigner: identity.signer,
      recoverAddress,
      log,
      random: Math.random,
      ...(attestationFault === undefined ? {} : { attestationFault }),
    },
    { payer: identity.wallet.address, channelDeposit: CHANNEL_DEPOSIT, withdrawDelay: min },
  );
  const keys = createKeys(journal);
  const apiKey = await firstKey(options.home, keys);
  await buyer.start();
  const seller = options.x402 ? await openSeller() : undefined;

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
  });
  const gateway = createGateway(
    {
      buyer,
      keys,
      idempotency: createIdempotency(journal),
      passes,
      log,
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
    throw new DepinferError({
      code: "gateway.portBusy",
      message: `Port ${options.port} on ${options.host} cannot be listened on`,
      remedy: "Choose another one with --port, or stop what is using it",
      metadata: { port: options.port },
      cause,
    });
  });
  const url = `http://${options.host}:${gateway.port}`;
  return {
    info: {
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
      await gateway.stop();
      await seller?.stop();
      await buyer.stop();
      await host.stop();
      journal.close();
    },
  };
}

/** Where the key made at the first start is kept, mode 0600. */
export function apiKeyPath(home: string): string {
  return join(home, "api-key");
}

async function firstKey(home: string, keys: Keys): Promise<string> {
  const path = apiKeyPath(home);
  try {
    const key = readFileSync(path, "utf8").trim();
    keys.authenticate(`Bearer ${key}`);
    return key;
  } catch {
    // The first start, or a file that no longer fits the journal: a fresh key replaces it.
    const key = keys.replace("default", null);
    await writeWhole(path, `${key}\n`);
    return key;
  }
}
