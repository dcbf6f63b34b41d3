import type { Verdict } from "@depinfer/proof";
import {
  addressSchema,
  bytes32Schema,
  canonicalJson,
  digestSha256,
  type SignedReceipt,
  toHex,
  utf8,
} from "@depinfer/protocol";
import { z } from "zod";

const count = z.int().min(0);

/** What an auditor found about one receipt: all that it attests, and why. */
export const findingSchema = z.strictObject({
  provider: addressSchema,
  epoch: count,
  digest: bytes32Schema,
  classId: bytes32Schema,
  verdict: z.enum(["pass", "inconclusive", "fail"]),
  reason: z.string(),
  /** Informative tokens. */
  tokens: count,
  mismatches: count,
  /** Sum of clipped margins in millionths of a nat. */
  marginMicros: count,
  evidenceHash: bytes32Schema,
});
export type Finding = z.output<typeof findingSchema>;

/** `evidenceHash` binds the validator to the margin of every position, which it can be asked to show. */
export function findingOf(
  { verdict, reason, receiptId, statistic }: Verdict,
  { receipt }: SignedReceipt,
  epoch: number,
): Finding {
  const { informative, mismatches, meanMargin, margins } = statistic;
  return {
    provider: receipt.provider,
    epoch,
    digest: receiptId,
    classId: receipt.classId,
    verdict,
    reason,
    tokens: informative,
    mismatches,
    marginMicros: Math.round(meanMargin * informative * 1e6),
    evidenceHash: toHex(digestSha256(utf8(canonicalJson({ reason, margins })))),
  };
}
