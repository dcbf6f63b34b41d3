import type { Chain } from "@depinfer/chain";
import { type ScoringEngine, verifyReceipt } from "@depinfer/inference";
import { type Host, type Link, query } from "@depinfer/network";
import { isSelected, type Verdict } from "@depinfer/proof";
import {
  canonicalJson,
  DepinferError,
  digestSha256,
  epochReportSchema,
  type Hex,
  type Log,
  merkleProof,
  merkleRoot,
  receiptDigest,
  type SignedReceipt,
  toHex,
  transcriptSchema,
  utf8,
} from "@depinfer/protocol";
import type { AuditLedger, EpochTask } from "./audit-ledger.ts";

export interface AuditModules {
  readonly host: Host;
  readonly chain: Chain;
  readonly engine: ScoringEngine;
  readonly ledger: AuditLedger;
  readonly recoverAddress: (digest: Uint8Array, signature: Hex) => Hex;
  readonly log: Log;
}

/** Not a failure of the audit: it has to wait for something, a block or a peer. */
export class AuditNotReady extends DepinferError {}

/**
 * Audits one epoch of one provider: draws the beacon if nobody has, fetches the receipts under the root, scores the
 * selected ones and attests each verdict. Repeating it is harmless.
 *
 * @throws AuditNotReady `audit.noBeacon` or `audit.providerAway`; DepinferError `audit.wrongRoot`.
 */
export async function auditEpoch(modules: AuditModules, validator: Hex, task: EpochTask, rate: number): Promise<void> {
  const { chain, host } = modules;
  const { provider, epoch } = task;
  const posted = await chain.receipts.epoch(provider, epoch);
  if (posted === undefined) {
    // A reorganisation took the root away; the provider posts it again, as a new event.
    return;
  }
  const beacon = posted.beacon ?? (await drawBeacon(chain, provider, epoch));
  const link = await linkTo(host, provider);
  const { receipts } = await query(link, { method: "epoch", epoch }, epochReportSchema);
  const binding = { chainId: chain.deployment.chainId, verifyingContract: chain.receipts.address };
  const leaves = receipts.map(({ receipt }) => receiptDigest(receipt, binding));
  if (toHex(merkleRoot(leaves)) !== posted.root || leaves.length !== posted.count) {
    throw new DepinferError({
      code: "audit.wrongRoot",
      message: `The ${leaves.length} receipts that ${provider} shows for epoch ${epoch} are not the ${posted.count} under its root`,
      remedy: "Nothing can be attested from them; the provider's root stands as evidence",
      metadata: { provider, epoch },
    });
  }
  for (const [index, leaf] of leaves.entries()) {
    const signed = receipts[index];
    const digest = toHex(leaf);
    if (
      signed !== undefined &&
      isSelected(beacon, digest, { count: leaves.length, rate }) &&
      (await chain.receipts.verdictOf(validator, provider, digest)) === undefined
    ) {
      const verdict = await judge(modules, link, signed, provider);
      if (verdict !== null) {
        await attest(modules, task, verdict, signed.receipt.classId, merkleProof(leaves, index).map(toHex));
      }
    }
  }
}

async function drawBeacon(chain: Chain, provider: Hex, epoch: number): Promise<Hex> {
  const drawn = await chain.receipts.drawBeacon(provider, epoch).catch(async (error: unknown) => {
    // The other validator was faster, or the target block is not mined yet.
    const beacon = await chain.receipts.beacon(provider, epoch);
    if (beacon === undefined) {
      throw new AuditNotReady({
        code: "audit.noBeacon",
        message: `The beacon of epoch ${epoch} of ${provider} cannot be drawn yet`,
        remedy: "Wait for the next block",
        retryable: true,
        cause: error,
      });
    }
    return { beacon };
  });
  if (drawn.beacon === undefined) {
    throw new AuditNotReady({
      code: "audit.noBeacon",
      message: "The beacon was re-armed",
      remedy: "Wait for its new target block",
      retryable: true,
    });
  }
  return drawn.beacon;
}

async function linkTo(host: Host, provider: Hex): Promise<Link> {
  const offer = host.offers.offers().find((known) => known.provider === provider);
  if (offer === undefined) {
    throw new AuditNotReady({
      code: "audit.providerAway",
      message: `No offer of ${provider} is known, so its receipts cannot be fetched`,
      remedy: "Wait until it is online again",
      retryable: true,
      metadata: { provider },
    });
  }
  return host.link(offer.peerId) ?? host.dial({ peerId: offer.peerId, addresses: offer.addresses });
}

/** The verdict on one receipt, or null where this validator cannot judge it. */
async function judge(
  { chain, engine, recoverAddress, log }: AuditModules,
  link: Link,
  signed: SignedReceipt,
  provider: Hex,
): Promise<Verdict | null> {
  const { requestId } = signed.receipt;
  const operator = await chain.registry.byOperator(provider);
  const binding = { chainId: chain.deployment.chainId, verifyingContract: chain.receipts.address };
  try {
    const transcript = await query(link, { method: "transcript", requestId }, transcriptSchema);
    const receiptKey = operator?.receiptKey ?? "0x";
    return await verifyReceipt({ engine, recoverAddress }, { signed, transcript, binding, receiptKey });
  } catch (error) {
    if (error instanceof DepinferError && !error.retryable) {
      log("warn", `receipt ${requestId} cannot be judged: ${error.message}`, { code: error.code });
      return null;
    }
    throw error;
  }
}

async function attest(
  { chain, ledger, log }: AuditModules,
  { provider, epoch }: EpochTask,
  verdict: Verdict,
  classId: Hex,
  proof: readonly Hex[],
): Promise<void> {
  const { statistic, receiptId } = verdict;
  await chain.receipts.attest({
    provider,
    epoch,
    receiptDigest: receiptId,
    proof,
    classId,
    verdict: verdict.verdict,
    tokens: statistic.informative,
    mismatches: statistic.mismatches,
    marginMicros: BigInt(Math.round(statistic.meanMargin * statistic.informative * 1e6)),
    evidenceHash: toHex(digestSha256(utf8(canonicalJson({ reason: verdict.reason, margins: statistic.margins })))),
  });
  await ledger.saveVerdict(receiptId, provider, verdict.verdict, verdict.reason);
  log(
    verdict.verdict === "fail" ? "warn" : "info",
    `${verdict.verdict} for receipt ${receiptId} of ${provider}: ${verdict.reason}`,
  );
}
