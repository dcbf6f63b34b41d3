/*
 * How providers behave, by this buyer's own traffic: no probes, nobody's word. Four rules keep requests away from what
 * does not work, and none of them can take the last provider away (`route` asks again without them):
 *
 * - Circuit: a failure opens it for 15 s, each further one in a row twice as long up to 5 min; then one request at a time
 *   tries the provider (half open), and its success closes the circuit.
 * - Outliers: whoever fails and answers much less often than the others is ejected for two minutes, at most a third of those
 *   that are known (success-rate ejection as in Envoy's outlier detection: mean − 1.9 standard deviations).
 * - Slow start: a newcomer, or one that came back, gets one request at a time, then two, then four, until its slots are
 *   full, so that a node that cannot do its work is found out by few requests.
 * - Latency: the time to the first token, as an exponentially weighted mean, for policies that limit it.
 */

export interface Health {
  /** Why a peer is not to be asked now, or undefined. */
  excluded(peerId: string): string | undefined;
  /** Requests that a peer may have at once, of the slots that it offers. */
  usableSlots(peerId: string, slots: number): number;
  /** Milliseconds to the first token, or undefined before anything was measured. */
  latencyMs(peerId: string): number | undefined;
  /** After how many milliseconds without a token a second provider may be worth its price. */
  hedgeAfterMs(peerId: string): number;
  /** A request is sent to a peer; call what comes back when it has ended. */
  enter(peerId: string): () => void;
  inFlight(peerId: string): number;
  /** Resolves when a request of this buyer has ended somewhere, or after so many milliseconds. */
  freed(withinMs: number): Promise<void>;
  firstToken(peerId: string, afterMs: number): void;
  succeeded(peerId: string): void;
  failed(peerId: string, reason: string): void;
  /** The peer said HELLO again: what kept it away is over, and it starts slowly. */
  returned(peerId: string): void;
  /** For people: every peer that was ever asked. */
  report(): readonly PeerHealth[];
}

export interface PeerHealth {
  readonly peerId: string;
  readonly circuit: "closed" | "open" | "halfOpen";
  /** Why it is open, or null. */
  readonly reason: string | null;
  /** Share of the last requests that were answered, or null when there were none. */
  readonly successRate: number | null;
  readonly requests: number;
  readonly inFlight: number;
  readonly latencyMs: number | null;
}

interface Peer {
  /** Outcomes of the last requests, oldest first. */
  outcomes: boolean[];
  requests: number;
  inFlight: number;
  failuresInRow: number;
  successes: number;
  /** Milliseconds since 1970 until which the circuit is open; 0 while it is closed. */
  openUntil: number;
  reason: string | null;
  latency: number | undefined;
  /** Mean deviation of the latency, as TCP estimates it (RFC 6298). */
  deviation: number;
}

const FIRST_OPEN_MS = 15_000;
const LONGEST_OPEN_MS = 300_000;
const WINDOW = 50;
/** Below this many requests a rate says nothing. */
const LEAST_FOR_RATE = 20;
/** Peers to compare with, that a mean and a deviation mean something. */
const LEAST_PEERS = 3;
const DEVIATIONS = 1.9;
const MOST_EJECTED = 1 / 3;
const EJECTED_MS = 120_000;
/** Weight of a new measurement; RFC 6298's. */
const GAIN = 1 / 8;
const FIRST_HEDGE_MS = 1_000;
const LEAST_HEDGE_MS = 150;

/** @param now milliseconds since 1970. */
export function createHealth(now: () => number = Date.now): Health {
  const peers = new Map<string, Peer>();
  const waiting = new Set<() => void>();

  function of(peerId: string): Peer {
    const known = peers.get(peerId);
    if (known !== undefined) {
      return known;
    }
    const peer: Peer = {
      outcomes: [],
      requests: 0,
      inFlight: 0,
      failuresInRow: 0,
      successes: 0,
      openUntil: 0,
      reason: null,
      latency: undefined,
      deviation: 0,
    };
    peers.set(peerId, peer);
    return peer;
  }

  function circuit({ openUntil }: Peer): PeerHealth["circuit"] {
    return openUntil === 0 ? "closed" : openUntil > now() ? "open" : "halfOpen";
  }

  function note(peer: Peer, success: boolean): void {
    peer.requests += 1;
    peer.outcomes.push(success);
    if (peer.outcomes.length > WINDOW) {
      peer.outcomes.shift();
    }
  }

  function open(peer: Peer, reason: string): void {
    peer.failuresInRow += 1;
    peer.openUntil = now() + Math.min(LONGEST_OPEN_MS, FIRST_OPEN_MS * 2 ** (peer.failuresInRow - 1));
    peer.reason = reason;
    peer.successes = 0;
  }

  /** Ejects a peer whose rate lies far below that of the others. */
  function ejectOutlier(peer: Peer): void {
    const rates = [...peers.values()].filter(({ outcomes }) => outcomes.length >= LEAST_FOR_RATE).map(rateOf);
    const out = [...peers.values()].filter((other) => other !== peer && circuit(other) === "open").length;
    if (rates.length < LEAST_PEERS || out + 1 > peers.size * MOST_EJECTED || peer.outcomes.length < LEAST_FOR_RATE) {
      return;
    }
    const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
    const deviation = Math.sqrt(rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / rates.length);
    const rate = rateOf(peer);
    if (rate < mean - DEVIATIONS * deviation) {
      peer.openUntil = Math.max(peer.openUntil, now() + EJECTED_MS);
      peer.reason = `it answers ${percent(rate)} of its requests, and providers answer ${percent(mean)} on the average`;
    }
  }

  return {
    inFlight: (peerId) => peers.get(peerId)?.inFlight ?? 0,
    latencyMs: (peerId) => peers.get(peerId)?.latency,
    hedgeAfterMs(peerId) {
      const { latency, deviation } = of(peerId);
      return latency === undefined ? FIRST_HEDGE_MS : Math.max(LEAST_HEDGE_MS, latency + 4 * deviation);
    },
    excluded(peerId) {
      const peer = peers.get(peerId);
      if (peer === undefined || circuit(peer) === "closed") {
        return undefined;
      }
      if (circuit(peer) === "open") {
        const seconds = Math.ceil((peer.openUntil - now()) / 1_000);
        return `is left out for another ${seconds} s: ${peer.reason ?? "it failed"}`;
      }
      return peer.inFlight > 0 ? "is being tried by another request after it failed" : undefined;
    },
    usableSlots(peerId, slots) {
      const { successes } = of(peerId);
      // 2^30 is far above any number of slots and below what a shift can hold.
      return Math.min(slots, 2 ** Math.min(30, successes));
    },
    enter(peerId) {
      const peer = of(peerId);
      peer.inFlight += 1;
      let inside = true;
      return () => {
        if (inside) {
          inside = false;
          peer.inFlight -= 1;
          // One place is for one who waits; whoever came first is woken.
          const [first] = waiting;
          first?.();
        }
      };
    },
    freed: (withinMs) =>
      new Promise((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, withinMs);
        waiting.add(wake);
      }),
    firstToken(peerId, afterMs) {
      const peer = of(peerId);
      const before = peer.latency;
      peer.latency = before === undefined ? afterMs : before + GAIN * (afterMs - before);
      peer.deviation =
        before === undefined ? afterMs / 2 : peer.deviation + 2 * GAIN * (Math.abs(afterMs - before) - peer.deviation);
    },
    succeeded(peerId) {
      const peer = of(peerId);
      note(peer, true);
      peer.failuresInRow = 0;
      peer.openUntil = 0;
      peer.reason = null;
      peer.successes += 1;
    },
    failed(peerId, reason) {
      const peer = of(peerId);
      note(peer, false);
      // Requests that were under way together fail together; they are one failure.
      if (circuit(peer) !== "open") {
        open(peer, reason);
      }
      ejectOutlier(peer);
    },
    returned(peerId) {
      const peer = peers.get(peerId);
      if (peer !== undefined) {
        peer.openUntil = 0;
        peer.failuresInRow = 0;
        peer.reason = null;
        peer.successes = 0;
      }
    },
    report: () =>
      [...peers].map(([peerId, peer]) => ({
        peerId,
        circuit: circuit(peer),
        reason: peer.reason,
        successRate: peer.outcomes.length === 0 ? null : rateOf(peer),
        requests: peer.requests,
        inFlight: peer.inFlight,
        latencyMs: peer.latency ?? null,
      })),
  };
}

function rateOf({ outcomes }: Peer): number {
  return outcomes.filter(Boolean).length / outcomes.length;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
