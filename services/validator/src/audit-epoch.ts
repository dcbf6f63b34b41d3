import type { Chain, EpochState } from "@depinfer/chain";
import { type Host, type Link, query } from "@depinfer/network";
import type { AuditRecord } from "@depinfer/proof";
import {
  DepinferError,
  epochReportSchema,
  type Hex,
  type Log,
  merkleProof,
  merkleRoot,
  type RecordSpan,
  receiptDigest,
  type SignedReceipt,
  toHex,
} from "@depinfer/protocol";
import type { AuditLedger, EpochTask } from "./audit-ledger.ts";
import { type AuditReceiptModules, auditReceipt } from "./audit-receipt.ts";
import type { Finding } from "./finding.ts";

export interface AuditModules extends AuditReceiptModules {
  readonly host: Host;
  readonly chain: Chain;
  readonly ledger: AuditLedger;
  /** Kept up to date by the caller. */
  readonly audits: AuditRecord;
  readonly log: Log;
  /** Takes spans for traces. */
  readonly record?: RecordSpan;
}

/** Not a failure of the audit: it has to wait for something, a block or a peer. */
export class AuditNotReady extends DepinferError {}

/**
 * Audits what the beacon of one epoch gave to this validator: draws the beacon if nobody has, fetches the receipts under
 * the root, scores those for which it was drawn and attests each finding. What was found is kept before it is attested,
 * so that an audit that was cut off goes on with the same finding. Repeating it is harmless.
 *
 * @throws AuditNotReady `audit.noBeacon`, `audit.recordBehind` or `audit.providerAway`; DepinferError `audit.late` or `audit.wrongRoot`.
 */
export async function auditEpoch(modules: AuditModules, validator: Hex, task: EpochTask): Promise<void> {
  const { chain, host, audits, ledger, log } = modules;
  const { provider, epoch } = task;
  const posted = await chain.receipts.epoch(provider, epoch);
  if (posted === undefined) {
    // A reorganisation took the root away; the provider posts it again, as a new event.
    return;
  }
  const beacon = posted.beacon ?? (await drawBeacon(chain, provider, epoch));
  if (audits.epoch(provider, epoch)?.beacon !== beacon) {
    throw notReady(
      "recordBehind",
      `The record of epoch ${epoch} of ${provider} is not of its beacon yet`,
      "Wait for it",
    );
  }
  requireInTime(task, audits.epoch(provider, epoch)?.lastBlock, await chain.blockNumber());
  const link = await linkTo(host, provider);
  const { receipts } = await query(link, { method: "epoch", epoch }, epochReportSchema);
  const binding = { chainId: chain.deployment.chainId, verifyingContract: chain.receipts.address };
  const leaves = receipts.map(({ receipt }) => receiptDigest(receipt, binding));
  requireRoot(task, posted, leaves);
  for (const [index, leaf] of leaves.entries()) {
    const digest = toHex(leaf);
    const signed = receipts[index];
    if (
      signed !== undefined &&
      audits.auditorsOf({ provider, epoch, digest, classId: signed.receipt.classId })?.includes(validator) === true &&
      (await chain.receipts.verdictOf(validator, provider, digest)) === undefined
    ) {
      const finding = ledger.finding(provider, digest) ?? (await find(modules, link, task, signed));
      if (finding !== null) {
        await attest(chain, finding, merkleProof(leaves, index).map(toHex));
        log(
          finding.verdict === "fail" ? "warn" : "info",
          `${finding.verdict} for receipt ${digest} of ${provider}: ${finding.reason}`,
        );
      }
    }
  }
}

async function drawBeacon(chain: Chain, provider: Hex, epoch: number): Promise<Hex> {
  const drawn = await chain.receipts.drawBeacon(provider, epoch).catch(async (error: unknown) => {
    // Another validator was faster, or the target block is not mined yet.
    const beacon = await chain.receipts.beacon(provider, epoch);
    if (beacon === undefined) {
      throw notReady("noBeacon", `The beacon of epoch ${epoch} of ${provider} cannot be drawn yet`, "Wait", error);
    }
    return { beacon };
  });
  if (drawn.beacon === undefined) {
    throw notReady("noBeacon", "The beacon was re-armed", "Wait for its new target block");
  }
  return drawn.beacon;
}

async function linkTo(host: Host, provider: Hex): Promise<Link> {
  const offer = host.offers.offers().find((known) => known.provider === provider);
  if (offer === undefined) {
    const message = `No offer of ${provider} is known, so its receipts cannot be fetched`;
    throw notReady("providerAway", message, "Wait until it is online again");
  }
  return host.link(offer.peerId) ?? host.dial({ peerId: offer.peerId, addresses: offer.addresses });
}

/** A verdict that would not count any more is not worth its gas. */
function requireInTime({ provider, epoch }: EpochTask, lastBlock: number | undefined, now: bigint): void {
  if (lastBlock !== undefined && now >= BigInt(lastBlock)) {
    throw new DepinferError({
      code: "audit.late",
      message: `Verdicts on epoch ${epoch} of ${provider} counted until block ${lastBlock}, and it is block ${now}`,
      remedy: "Leave it; a receipt can still be disputed",
      metadata: { provider, epoch, lastBlock },
    });
  }
}

function requireRoot({ provider, epoch }: EpochTask, posted: EpochState, leaves: readonly Uint8Array[]): void {
  if (toHex(merkleRoot(leaves)) !== posted.root || leaves.length !== posted.count) {
    throw new DepinferError({
      code: "audit.wrongRoot",
      message: `The ${leaves.length} receipts that ${provider} shows for epoch ${epoch} are not the ${posted.count} under its root`,
      remedy: "Nothing can be attested from them; the provider's root stands as evidence",
      metadata: { provider, epoch },
    });
  }
}

/** The finding on one receipt, kept before anybody hears of it; null where this validator cannot judge the receipt. */
async function find(
  modules: AuditModules,
  link: Link,
  { provider, epoch }: EpochTask,
  signed: SignedReceipt,
): Promise<Finding | null> {
  const { chain, ledger, log } = modules;
  const operator = await chain.registry.byOperator(provider);
  const binding = { chainId: chain.deployment.chainId, verifyingContract: chain.receipts.address };
  const startedAt = Date.now();
  try {
    const receiptKey = operator?.receiptKey ?? "0x";
    const finding = await auditReceipt(modules, link, { provider, epoch, signed, receiptKey, binding });
    modules.record?.({
      requestId: signed.receipt.requestId,
      name: "audit",
      kind: "internal",
      startedAt,
      endedAt: Date.now(),
      attributes: { "depinfer.provider": provider, "depinfer.epoch": epoch, "depinfer.verdict": finding.verdict },
    });
    await ledger.saveFinding(finding);
    return ledger.finding(provider, finding.digest) ?? finding;
  } catch (error) {
    if (error instanceof DepinferError && !error.retryable) {
      const { requestId } = signed.receipt;
      log("warn", `receipt ${requestId} cannot be judged: ${error.message}`, { code: error.code });
      return null;
    }
    throw error;
  }
}

async function attest(chain: Chain, finding: Finding, proof: readonly Hex[]): Promise<void> {
  const { digest, marginMicros, reason: _reason, ...rest } = finding;
  await chain.receipts.attest({ ...rest, receiptDigest: digest, proof, marginMicros: BigInt(marginMicros) });
}

function notReady(code: string, message: string, remedy: string, cause?: unknown): AuditNotReady {
  return new AuditNotReady({ code: `audit.${code}`, message, remedy, retryable: true, cause });
}
