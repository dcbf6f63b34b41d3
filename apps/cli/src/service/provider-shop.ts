import { hkdfSync } from "node:crypto";
import { join } from "node:path";
import { createSigner, recoverAddress } from "@depinfer/chain";
import { createEvmAccount } from "@depinfer/chain/evm-account";
import { BUYER_MIGRATIONS, type Buyer, createBuyer } from "@depinfer/client";
import {
  createAdmission,
  createGateway,
  createIdempotency,
  createKeys,
  createSeller,
  GATEWAY_MIGRATIONS,
  journalKeys,
  localAccountStates,
  ownJournal,
} from "@depinfer/gateway";
import { openJournal } from "@depinfer/journal";
import type { Host } from "@depinfer/network";
import { type Log, type MicroUsd, toHex } from "@depinfer/protocol";
import { CHANNEL_DEPOSIT } from "./buyer-settings.ts";
import type { Connected } from "./connect.ts";

export interface ProviderShopOptions {
  /** Folder of the provider; the shop has a journal of its own there. */
  readonly home: string;
  readonly port: number;
  readonly allowedHosts: readonly string[];
  /** Units on top of each `exact` payment, for the gas of its transfer. */
  readonly fee: MicroUsd;
}

/** A provider's own shop: an OpenAI-compatible endpoint without keys that sells its model alone, by x402. */
export interface ProviderShop {
  readonly url: string;
  income(): readonly { readonly scheme: string; readonly payments: number; readonly amount: bigint }[];
  stop(): Promise<void>;
}

/**
 * Opens the shop. It is a gateway whose buyer knows one provider, and pays it through a channel from the provider's
 * wallet to the provider's wallet: the customer's money stays in that wallet, the channel's deposit comes back by the
 * provider's claims, and every answer has a receipt, can be audited and waits for a slot like all others.
 */
export async function openProviderShop(
  { connected, host, log }: { readonly connected: Connected; readonly host: Host; readonly log: Log },
  options: ProviderShopOptions,
): Promise<ProviderShop> {
  const { chain, identity } = connected;
  const secret = (name: string) =>
    new Uint8Array(hkdfSync("sha256", identity.nodeSeed, "", `depinfer/provider-shop/1/${name}`, 32));
  const node = await connected.createHost({ role: "gateway", seed: secret("node") });
  await node.dial(host.addresses);
  const journal = openJournal({
    path: join(options.home, "shop.sqlite"),
    parts: { buyer: BUYER_MIGRATIONS, gateway: GATEWAY_MIGRATIONS },
  });
  const { min } = await chain.channels.withdrawDelayBounds();
  const market = createBuyer(
    {
      host: node,
      chain,
      journal,
      sessionSigner: createSigner(toHex(secret("session"))),
      recoverAddress,
      log,
      random: Math.random,
    },
    { payer: identity.wallet.address, channelDeposit: CHANNEL_DEPOSIT, withdrawDelay: min },
  );
  await market.start();
  const buyer = only(market, host.peerId);
  const seller = await createSeller(
    { buyer, journal, account: createEvmAccount({ ...chain, account: identity.wallet }), log },
    {
      chainId: chain.deployment.chainId,
      token: chain.deployment.addresses.testUsd,
      settlementFee: options.fee,
    },
  );
  // Nobody has a key: whoever shows one is told that it is unknown.
  const gateway = createGateway(
    {
      buyer,
      keys: createKeys(journalKeys(journal)),
      admission: createAdmission({ states: localAccountStates(), seats: ownJournal(buyer) }),
      idempotency: createIdempotency(journal),
      seller,
      log,
    },
    { port: options.port, allowedHosts: options.allowedHosts },
  );
  await gateway.start();
  return {
    url: `http://127.0.0.1:${gateway.port}`,
    income: seller.income,
    async stop() {
      await gateway.stop();
      await seller.stop();
      market.stop();
      await node.stop();
      journal.close();
    },
  };
}

/** A buyer that sees one node of the market. Quotes name the providers that may answer, so that no other one is asked. */
function only(buyer: Buyer, peerId: string): Buyer {
  return { ...buyer, offers: () => buyer.offers().filter((offer) => offer.peerId === peerId) };
}
