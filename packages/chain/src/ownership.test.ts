import { OWNERSHIP_TYPES, ownershipDigest, ownershipDomain, toHex } from "@depinfer/protocol";
import fc from "fast-check";
import { hashTypedData } from "viem";
import { expect, test } from "vitest";

const address = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => toHex(bytes));

test("what a wallet signs for an owner is what is checked", () => {
  fc.assert(
    fc.property(address, address, fc.integer({ min: 1, max: 2 ** 31 }), (operator, verifyingContract, chainId) => {
      const binding = { chainId, verifyingContract };
      const wallet = hashTypedData({
        domain: ownershipDomain(binding),
        types: OWNERSHIP_TYPES,
        primaryType: "Owns",
        message: { operator },
      });
      expect(toHex(ownershipDigest(operator, binding))).toBe(wallet);
    }),
  );
});
