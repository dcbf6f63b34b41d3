export { type Clock, systemClock } from "./clock.ts";
export type { Exchange, ExchangeOutcome } from "./exchange.ts";
export { type Hello, helloSchema } from "./hello.ts";
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
export type {
  OfferBook,
  OfferBookModules,
  OfferBookOptions,
  OfferChange,
  OfferFilter,
  OfferRejection,
  OfferVerdict,
} from "./offer-book.ts";
