import { errorMessage, fromHex, type Hex } from "@depinfer/protocol";
import type { GossipSub, TopicValidatorResult as Verdict } from "@libp2p/gossipsub";
import { TopicValidatorResult } from "@libp2p/gossipsub";
import type { KadDHT } from "@libp2p/kad-dht";
import { CID } from "multiformats/cid";
import * as raw from "multiformats/codecs/raw";
import * as Digest from "multiformats/hashes/digest";
import { NetworkError } from "./errors.ts";
import type { FoundProvider } from "./host.ts";
import type { OfferBook, OfferRejection } from "./offer-book.ts";

/** Topic of signed offers. */
export const OFFER_TOPIC = "/depinfer/offers/1";

/** Multicodec of SHA-256: a class id is 32 bytes of hash already, and the DHT wants to know what kind of key it holds. */
const SHA2_256 = 0x12;

const PROVIDE_TIMEOUT_MS = 20_000;
const FIND_TIMEOUT_MS = 10_000;
const FIND_LIMIT = 20;

/** Nobody who passes these on has read them; such a peer loses its standing in the gossip mesh. */
const REJECTED: ReadonlySet<OfferRejection> = new Set(["malformed", "tooLarge", "badSignature", "wrongPeer"]);

/** Finds peers and offers in the background. Requests are never made to wait for it. */
export interface Discovery {
  start(): void;
  stop(): void;
  publish(signedOffer: Uint8Array): Promise<void>;
  provide(classId: Hex): Promise<void>;
  findProviders(
    classId: Hex,
    options?: { readonly limit?: number; readonly timeoutMs?: number },
  ): Promise<readonly FoundProvider[]>;
  readonly gossipPeers: number;
}

export interface DiscoveryModules {
  readonly dht: KadDHT;
  readonly gossip: GossipSub;
  readonly offers: OfferBook;
  /** A valid offer came by gossip. */
  readonly onGossip: (signedOffer: Uint8Array) => void;
}

export function createDiscovery({ dht, gossip, offers, onGossip }: DiscoveryModules): Discovery {
  /** Stores what is good before it is passed on, so nothing bad travels further than one hop. */
  function validate(data: Uint8Array): Verdict {
    const verdict = offers.acceptBytes(data);
    // A duplicate came over a link before gossip brought it; those behind us may have gossip only, so it goes on.
    // Gossip itself drops what it has seen, and an offer has only one encoding: nothing circulates for ever.
    if (verdict.accepted || verdict.reason === "duplicate") {
      onGossip(data);
      return TopicValidatorResult.Accept;
    }
    return REJECTED.has(verdict.reason) ? TopicValidatorResult.Reject : TopicValidatorResult.Ignore;
  }

  return {
    start() {
      gossip.topicValidators.set(OFFER_TOPIC, (_peer, message) => validate(message.data));
      gossip.subscribe(OFFER_TOPIC);
    },
    stop() {
      gossip.topicValidators.delete(OFFER_TOPIC);
      gossip.unsubscribe(OFFER_TOPIC);
    },
    async publish(signedOffer) {
      await gossip.publish(OFFER_TOPIC, signedOffer);
    },
    async provide(classId) {
      try {
        for await (const _event of dht.provide(classKey(classId), {
          signal: AbortSignal.timeout(PROVIDE_TIMEOUT_MS),
        })) {
          // The query runs while it is read; its steps are of no interest.
        }
      } catch (error) {
        throw dhtFailed("announce", classId, error);
      }
    },
    async findProviders(classId, { limit = FIND_LIMIT, timeoutMs = FIND_TIMEOUT_MS } = {}) {
      const found = new Map<string, FoundProvider>();
      const signal = AbortSignal.timeout(timeoutMs);
      try {
        for await (const event of dht.findProviders(classKey(classId), { signal })) {
          for (const { id, multiaddrs } of event.name === "PEER_RESPONSE" || event.name === "PROVIDER"
            ? event.providers
            : []) {
            found.set(id.toString(), { peerId: id.toString(), addresses: multiaddrs.map(String) });
          }
          if (found.size >= limit) {
            break;
          }
        }
      } catch (error) {
        // A search that ran out of time has still found what it found.
        if (!signal.aborted && found.size === 0) {
          throw dhtFailed("look up", classId, error);
        }
      }
      return [...found.values()].slice(0, limit);
    },
    get gossipPeers() {
      return gossip.getSubscribers(OFFER_TOPIC).length;
    },
  };
}

/** The DHT key of a runtime class. */
function classKey(classId: Hex): CID {
  return CID.createV1(raw.code, Digest.create(SHA2_256, fromHex(classId, 32)));
}

function dhtFailed(what: string, classId: Hex, cause: unknown): NetworkError {
  return new NetworkError({
    code: "network.dhtFailed",
    message: `The DHT could not ${what} runtime class ${classId}: ${errorMessage(cause)}`,
    remedy: "Try again once more peers are connected; offers also arrive by gossip",
    metadata: { classId },
    retryable: true,
    cause,
  });
}
