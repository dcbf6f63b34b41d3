import { hkdfSync, randomInt } from "node:crypto";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { createChain, createSigner, recoverAddress } from "@depinfer/chain";
import { BUYER_MIGRATIONS, createBuyer } from "@depinfer/client";
import type { ScoringEngine } from "@depinfer/inference";
import { type Journal, openJournal } from "@depinfer/journal";
import type { Host } from "@depinfer/network";
import type { Calibration } from "@depinfer/proof";
import { type Log, toHex } from "@depinfer/protocol";
import { type Canaries, type CanaryIdentity, createCanaries, observe, type Validator } from "@depinfer/validator";
import { CHANNEL_DEPOSIT } from "./buyer-settings.ts";
import type { Connected } from "./connect.ts";

export interface CanaryServiceModules {
  readonly connected: Connected;
  readonly host: Host;
  readonly engine: ScoringEngine;
  readonly calibration: Calibration;
  readonly journal: Journal;
  readonly validator: Validator;
  readonly log: Log;
  /** Told of every canary that failed, as a receipt file. */
  readonly onFailure?: (receiptFile: string) => void;
}

export interface CanaryServiceOptions {
  /** Folder of the validator; each identity has its journal below it. */
  readonly home: string;
  readonly perHour: number;
  /** Units that all canaries ever may spend. */
  readonly budget: bigint;
}

/** Units of one identity: enough for a channel with each of a handful of providers. */
const FUNDS = 5n * CHANNEL_DEPOSIT;
/** Wei of one identity, for some dozens of transactions at a few gwei. */
const GAS = 10n ** 16n;
const OFFERS_WITHIN_MS = 30_000;
const POLL_MS = 200;

/**
 * Canaries of a validator service. Every identity has keys of its own, which follow from the validator's seed, so that
 * what it leaves in channels is not lost. Its money and gas come from the validator's wallet, which anybody can see on
 * chain; an operator who wants to hide that has to fund the accounts in another way before they are used.
 */
export function startCanaries(modules: CanaryServiceModules, options: CanaryServiceOptions): Canaries {
  const { connected, host, engine, calibration, journal, validator, log } = modules;
  const { chain, network } = connected;

  async function openIdentity(number: number, funds: bigint): Promise<CanaryIdentity> {
    const secret = (name: string) =>
      new Uint8Array(hkdfSync("sha256", connected.identity.nodeSeed, "", `depinfer/canary/1/${number}/${name}`, 32));
    const wallet = createSigner(toHex(secret("wallet")));
    if ((await chain.gasBalance(wallet.address)) === 0n) {
      await chain.usd.transfer(wallet.address, funds);
      await chain.sendGas(wallet.address, GAS);
    }
    const own = createChain({ rpcUrl: network.rpcUrl, deployment: network.deployment, account: wallet });
    const { min } = await own.channels.withdrawDelayBounds();
    const node = await connected.createHost({ role: "gateway", seed: secret("node") });
    const path = join(options.home, "canaries", `${number}.sqlite`);
    const purchases = openJournal({ path, parts: { buyer: BUYER_MIGRATIONS } });
    const buyer = createBuyer(
      {
        host: node,
        chain: own,
        journal: purchases,
        sessionSigner: createSigner(toHex(secret("session"))),
        recoverAddress,
        log,
        random: Math.random,
      },
      { payer: wallet.address, channelDeposit: CHANNEL_DEPOSIT, withdrawDelay: min },
    );
    await buyer.start();
    for (let waited = 0; waited < OFFERS_WITHIN_MS && buyer.offers().length === 0; waited += POLL_MS) {
      await setTimeout(POLL_MS);
    }
    return {
      buyer,
      async close() {
        await buyer.stop();
        await node.stop();
        purchases.close();
      },
    };
  }

  const canaries = createCanaries(
    {
      engine,
      calibration,
      recoverAddress,
      journal,
      openIdentity,
      observe: (signal) =>
        observe({ host, chain, auditEvents: validator.auditEvents, signal }, engine.description.classId),
      receiptKeyOf: async (provider) => (await chain.registry.byOperator(provider))?.receiptKey,
      log,
      random: () => randomInt(RANDOM_CELLS) / RANDOM_CELLS,
      ...(modules.onFailure === undefined ? {} : { onFailure: modules.onFailure }),
    },
    {
      perHour: options.perHour,
      budget: options.budget,
      fundsEach: FUNDS,
      binding: { chainId: chain.deployment.chainId, verifyingContract: chain.receipts.address },
    },
  );
  canaries.start();
  return canaries;
}

const RANDOM_CELLS = 2 ** 47;
