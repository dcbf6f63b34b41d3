export { type Clock, systemClock } from "./clock.ts";
export { createHost } from "./create-host.ts";
export { NetworkError } from "./errors.ts";
export type { Exchange, ExchangeOutcome } from "./exchange.ts";
export type { Hello } from "./hello.ts";
export type {
  DialOptions,
  DialTarget,
  FoundProvider,
  Host,
  HostModules,
  HostOptions,
  HostState,
  KeptPeer,
} from "./host.ts";
export type { Link, TransportName, Unsubscribe } from "./link.ts";
export { createNodeKey, type NodeKey } from "./node-key.ts";
export {
  createOfferBook,
  type OfferBook,
  type OfferBookModules,
  type OfferBookOptions,
  type OfferChange,
  type OfferFilter,
  type OfferRejection,
  type OfferVerdict,
} from "./offer-book.ts";
export { query } from "./query.ts";
export { decodeSignedOffer, type OfferFault, signOffer, verifyOffer } from "./sign-offer.ts";
