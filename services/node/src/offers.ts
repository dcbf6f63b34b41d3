import type { Engine } from "@depinfer/inference";
import type { Host } from "@depinfer/network";
import { errorMessage, type Hex, type Log, type Offer, type Ownership, type Prices } from "@depinfer/protocol";

export interface OfferOptions {
  readonly provider: Hex;
  readonly receiptKey: Hex;
  /** Read anew for each announcement. */
  readonly prices: () => Prices;
  readonly region: string;
  readonly ownership?: Ownership;
  /** Label of a test adversary; shown wherever the offer is. */
  readonly adversary?: string;
}

const LIFETIME_MS = 60_000;
/** Three announcements fit into one lifetime, so that losing two of them does not lose the provider. */
const INTERVAL_MS = 20_000;

export interface Offering {
  /** Announces it now, because something in it changed. */
  again(): void;
  stop(): void;
}

/** Announces the offer now and again before it expires, until it is stopped. */
export function keepOffering(
  host: Host,
  engine: Engine,
  inFlight: () => number,
  options: OfferOptions,
  log: Log,
): Offering {
  const { classId, runtimeClass, model, proofLevel, attestation, contextLength, slots, features } = engine.description;

  async function announce(): Promise<void> {
    const issuedAt = Date.now();
    const offer: Offer = {
      v: 1,
      peerId: host.peerId,
      addresses: [...host.addresses],
      provider: options.provider,
      receiptKey: options.receiptKey,
      model,
      classId,
      proofLevel,
      runtimeClass,
      ...(attestation === undefined ? {} : { attestation }),
      prices: options.prices(),
      contextLength,
      slots,
      idleSlots: Math.max(0, slots - inFlight()),
      ...(features === undefined ? {} : { features: [...features] }),
      region: options.region,
      ...(options.ownership === undefined ? {} : { ownership: options.ownership }),
      // The clock grows over restarts, so an old offer never outlives a new one.
      sequence: issuedAt,
      issuedAt,
      expiresAt: issuedAt + LIFETIME_MS,
      ...(options.adversary === undefined ? {} : { adversary: options.adversary }),
    };
    await host.announce(offer);
  }

  const report = (error: unknown) => log("warn", `the offer could not be announced: ${errorMessage(error)}`);
  const again = () => void announce().catch(report);
  again();
  host.provide(classId).catch(report);
  const timer = setInterval(again, INTERVAL_MS);
  return { again, stop: () => clearInterval(timer) };
}
