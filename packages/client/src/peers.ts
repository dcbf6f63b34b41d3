import type { Chain } from "@depinfer/chain";
import type { Host, Link } from "@depinfer/network";
import { DepinferError, type Offer, toHex, utf8 } from "@depinfer/protocol";
import { createNonceWatch, type ExpectedNonce, type NonceWatch } from "./nonce-watch.ts";

/** What the buyer knows about each provider's node: its link, its nonces, its load and its conduct. */
export interface Peers {
  /**
   * The link to a provider whose identity agrees with the registry on chain.
   *
   * @throws DepinferError `network.*`, or `provider.notRegistered`.
   */
  link(offer: Offer): Promise<Link>;
  /** Call before a request is sent: its nonce must continue what the provider had announced by then. */
  expectNonce(link: Link): ExpectedNonce;
  inFlight(peerId: string): number;
  enter(peerId: string): () => void;
  /** Leaves a peer out for a while. */
  exclude(peerId: string, reason: string): void;
  excluded(peerId: string): string | undefined;
  stop(): void;
}

/** How long a provider that broke the rules or could not be reached is left out. */
const EXCLUSION_MS = 15_000;
const DIAL_TIMEOUT_MS = 5_000;
/** Registrations change rarely; a provider that changes its key is found again after this. */
const REGISTRATION_MS = 60_000;

export function createPeers({ host, chain }: { readonly host: Host; readonly chain: Chain }): Peers {
  const watches = new WeakMap<Link, NonceWatch>();
  const load = new Map<string, number>();
  const out = new Map<string, { reason: string; until: number }>();
  const registered = new Map<string, number>();

  // A peer that says HELLO again is back, whatever happened before.
  const unsubscribe = host.onLink(({ peerId }) => out.delete(peerId));

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
    inFlight: (peerId) => load.get(peerId) ?? 0,
    enter(peerId) {
      load.set(peerId, (load.get(peerId) ?? 0) + 1);
      return () => {
        const rest = (load.get(peerId) ?? 1) - 1;
        if (rest > 0) {
          load.set(peerId, rest);
        } else {
          load.delete(peerId);
        }
      };
    },
    exclude(peerId, reason) {
      out.set(peerId, { reason, until: Date.now() + EXCLUSION_MS });
    },
    excluded(peerId) {
      const entry = out.get(peerId);
      return entry !== undefined && entry.until > Date.now() ? `is left out for a moment: ${entry.reason}` : undefined;
    },
    stop: unsubscribe,
  };
}
