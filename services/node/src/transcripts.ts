import type { Chain } from "@depinfer/chain";
import type { AuditRecord } from "@depinfer/proof";
import {
  auditContext,
  DepinferError,
  encodeMessage,
  type Hex,
  type RandomBytes,
  receiptDigest,
  seal,
  type TranscriptAnswer,
  toHex,
  utf8,
} from "@depinfer/protocol";
import type { StoredTranscript } from "./ledger.ts";

export interface TranscriptModules {
  readonly chain: Chain;
  /** Kept up to date by the caller. */
  readonly audits: AuditRecord;
  readonly randomBytes: RandomBytes;
}

/**
 * The transcript as `peerId` may see it. The buyer that asked and, where it said `public`, everybody sees it as it is.
 * Where it said `validator`, the one that the beacon drew sees it, sealed for the key that it registered. Whoever can
 * answer by a look at the chain is told why not; nothing is remembered of a refusal.
 *
 * @throws DepinferError `audit.notAllowed`, `audit.noBeacon` (may pass by itself), `audit.notSelected`,
 * `audit.notValidator`, `audit.notDrawn`, or `seal.badReader` for a registered key that is none.
 */
export async function showTranscript(
  { chain, audits, randomBytes }: TranscriptModules,
  provider: Hex,
  { transcript, signed, peerId: buyer, audit, epoch }: StoredTranscript,
  peerId: string,
): Promise<TranscriptAnswer> {
  if (audit === "public" || peerId === buyer) {
    return transcript;
  }
  const { requestId, classId } = signed.receipt;
  const refuse = (code: string, message: string, remedy: string, retryable = false) =>
    new DepinferError({ code: `audit.${code}`, message, remedy, retryable, metadata: { requestId } });
  if (audit !== "validator") {
    throw refuse("notAllowed", `The buyer lets nobody see request ${requestId}`, "Audit another receipt");
  }
  const binding = { chainId: chain.deployment.chainId, verifyingContract: chain.receipts.address };
  const digest = toHex(receiptDigest(signed.receipt, binding));
  const auditors = epoch === null ? undefined : audits.auditorsOf({ provider, epoch, digest, classId });
  if (epoch === null || auditors === undefined) {
    throw refuse("noBeacon", `No beacon has decided on request ${requestId} yet`, "Wait for its epoch's beacon", true);
  }
  if (auditors.length === 0) {
    throw refuse("notSelected", `The beacon of epoch ${epoch} does not select request ${requestId}`, "Audit another");
  }
  const validator = await validatorAt(chain, peerId);
  const member = validator === undefined ? undefined : await chain.validators.member(validator);
  if (member === undefined) {
    throw refuse("notValidator", `${peerId} is no member of the validator set`, "Join it, and wait to be drawn");
  }
  if (!auditors.includes(member.validator)) {
    throw refuse(
      "notDrawn",
      `For request ${requestId} the beacon drew ${auditors.join(", ")}, not ${member.validator}`,
      "Leave the receipt to the one that was drawn",
    );
  }
  const context = auditContext(digest, epoch);
  const sealed = seal(encodeMessage(transcript), { readers: [member.sealingKey], context, randomBytes });
  return { sealed: Buffer.from(sealed).toString("base64") };
}

async function validatorAt(chain: Chain, peerId: string): Promise<Hex | undefined> {
  const registered = await chain.registry.list();
  const wanted = toHex(utf8(peerId));
  return registered.find((entry) => entry.role === "validator" && entry.peerId === wanted)?.operator;
}
