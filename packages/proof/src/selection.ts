import { fromHex, type Hex, keccak } from "@depinfer/protocol";

/*
 * Which receipts are audited. Every receipt is decided by itself,
 *
 *   selected  <=>  u32(keccak256(beacon ‖ digest)) / 2^32 < max(rate, 1 / count),
 *
 * with the beacon that was drawn after the epoch's root was fixed. Anyone who has the events and one digest can tell
 * about this digest, without the rest of the epoch and without knowing its place in it.
 */

/** How the share of audited receipts falls as a provider collects passes. Equal for everybody in a network. */
export interface AuditSchedule {
  /** Share of the receipts of a provider without any pass, 0 to 1. */
  readonly newcomer: number;
  /** Share below which it never falls. */
  readonly floor: number;
  /** Passes after which the newcomer's share has halved. */
  readonly halving: number;
}

/**
 * A fifth of a newcomer's receipts, a fiftieth of an established provider's: after 200 passes every tenth receipt is
 * audited, after 1,800 every fiftieth. The floor keeps a provider from ever being free to change its conduct.
 */
export const AUDIT_SCHEDULE: AuditSchedule = { newcomer: 0.2, floor: 0.02, halving: 200 };

/** Share of the receipts of a provider that are audited once it has `passes` counted passes. */
export function auditRate(passes: number, { newcomer, floor, halving }: AuditSchedule = AUDIT_SCHEDULE): number {
  return Math.max(floor, (newcomer * halving) / (halving + passes));
}

/** Where a receipt's draw falls, in [0, 1): uniform, and known to nobody before the beacon. */
export function auditDraw(beacon: Hex, digest: Hex): number {
  const hash = keccak(fromHex(beacon, 32), fromHex(digest, 32));
  return new DataView(hash.buffer, hash.byteOffset, 4).getUint32(0) / 2 ** 32;
}

/**
 * Whether a receipt is audited.
 *
 * @param count receipts of the epoch, as stated with its root; a small epoch has one audited receipt on average.
 */
export function isSelected(beacon: Hex, digest: Hex, { count, rate }: { count: number; rate: number }): boolean {
  return auditDraw(beacon, digest) < Math.max(rate, 1 / count);
}
