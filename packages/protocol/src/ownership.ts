import { z } from "zod";
import { addressSchema, type Hex, hexSchema } from "./bytes.ts";
import { addressWord, type DomainBinding, typedDataDigest, typeHash } from "./eip712.ts";

/*
 * How an owner says that an operator is theirs. Operators under one owner are one entity wherever concentration is
 * measured, so the owner signs: nobody can be made to look large by strangers who name them.
 */

/** EIP-712 types of the message, for wallets; the domain is `ownershipDomain`. */
export const OWNERSHIP_TYPES = { Owns: [{ name: "operator", type: "address" }] } as const;

const OWNS_TYPEHASH = typeHash("Owns(address operator)");

/** An owner's signed word, as offers carry it. */
export const ownershipSchema = z.strictObject({
  owner: addressSchema,
  /** 65 bytes over `ownershipDigest`. */
  signature: hexSchema.refine((text) => text.length === 2 + 2 * 65, "expected 65 bytes"),
});
export type Ownership = z.output<typeof ownershipSchema>;

/** @param binding `verifyingContract` is ProviderRegistry. */
export function ownershipDomain(binding: DomainBinding) {
  return { name: "Depinfer", version: "1", ...binding };
}

/** The digest that the owner signs. */
export function ownershipDigest(operator: Hex, binding: DomainBinding): Uint8Array {
  return typedDataDigest(ownershipDomain(binding), [OWNS_TYPEHASH, addressWord(operator)]);
}
