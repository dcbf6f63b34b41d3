import type { Chain } from "@depinfer/chain";
import type { Host, Link } from "@depinfer/network";
import { DepinferError, type Offer, toHex, utf8 } from "@depinfer/protocol";
import type { Health } from "./health.ts";
import { createNonceWatch, type ExpectedNonce, type NonceWatch } from "./nonce-watch.ts";

/** The links to providers' nodes, and the nonces that they reveal on them. */
export interface Peers {
  /**
   * The link to a provider whose identity agrees with the registry on chain.
   *
   * @throws DepinferError `network.*`, or `provider.notRegistered`.
   */
  link(offer: Offer): Promise<Link>;
  /** Call before a request is sent: its nonce must continue what the provider had announced by then. */
  expectNonce(link: Link): ExpectedNonce;
  stop(): void;
}

const DIAL_TIMEOUT_MS = 5_000;
/** Registrations change rarely; a provider that changes its key is found again after this. */
const REGISTRATION_MS = 60_000;

export interface PeersModules {
  readonly host: Host;
  readonly chain: Chain;
  readonly health: Pick<Health, "returned">;
}

export function createPeers({ host, chain, health }: PeersModules): Peers {
  const watches = new WeakMap<Link, NonceWatch>();
  const registered = new Map<string, number>();

  // A peer that says HELLO again is back, whatever happened before.
  const unsubscribe = host.onLink(({ peerId }) => health.returned(peerId));

  async function requireRegistered(offer: Offer): Promise<void> {
    const key = `${offer.peerId} ${offer.provider} ${offer.receiptKey}`;
    if ((registered.get(key) ?? 0) > Date.now()) {
      return;
    }
    const operator = await chain.registry.byOperator(offer.provider);
    if (
      operator?.role !== "provider" ||
      operator.peerId !== toHex(utf8(offer.peerId)) ||
      operator.receiptKey !== offer.receiptKey
    ) {
      throw new DepinferError({
        code: "provider.notRegistered",
        message: `The registry does not know ${offer.provider} as a provider with node ${offer.peerId} and receipt key ${offer.receiptKey}`,
        remedy: "Ask another provider; this offer is not backed by its account",
        retryable: true,
        metadata: { provider: offer.provider, peerId: offer.peerId },
      });
    }
    registered.set(key, Date.now() + REGISTRATION_MS);
  }

  return {
    async link(offer) {
      await requireRegistered(offer);
      return (
        host.link(offer.peerId) ??
        (await host.dial({ peerId: offer.peerId, addresses: offer.addresses }, { timeoutMs: DIAL_TIMEOUT_MS }))
      );
    },
    expectNonce(link) {
      const watch = watches.get(link) ?? createNonceWatch();
      watches.set(link, watch);
      return watch.expect(link.remoteHello.nonceHead);
    },
    stop: unsubscribe,
  };
}
