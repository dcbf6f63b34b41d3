import { z } from "zod";
import { addressSchema, bytes32Schema } from "./bytes.ts";

const count = z.int().min(0);
const block = count;

/**
 * What the chain says about audits, reduced to what the public record of providers is made of, in the order of the
 * chain. Plain data, so that a service can keep it and anyone can write it down.
 */
export const auditEventSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("provider"), block, provider: addressSchema }),
  z.strictObject({ kind: z.literal("joined"), block, validator: addressSchema, classIds: z.array(bytes32Schema) }),
  z.strictObject({ kind: z.literal("classes"), block, validator: addressSchema, classIds: z.array(bytes32Schema) }),
  z.strictObject({ kind: z.literal("leaving"), block, validator: addressSchema }),
  z.strictObject({ kind: z.literal("left"), block, validator: addressSchema }),
  z.strictObject({ kind: z.literal("root"), block, provider: addressSchema, epoch: count, count }),
  z.strictObject({
    kind: z.literal("beacon"),
    block,
    provider: addressSchema,
    epoch: count,
    beacon: bytes32Schema,
    /** The block whose hash decided the beacon. */
    targetBlock: block,
  }),
  z.strictObject({
    kind: z.literal("attested"),
    block,
    validator: addressSchema,
    provider: addressSchema,
    epoch: count,
    digest: bytes32Schema,
    classId: bytes32Schema,
    verdict: z.enum(["pass", "inconclusive", "fail"]),
    /** Informative tokens. */
    tokens: count,
    mismatches: count,
    /** Sum of clipped margins in millionths of a nat. */
    marginMicros: count,
  }),
]);
export type AuditEvent = z.output<typeof auditEventSchema>;
