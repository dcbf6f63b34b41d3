import { concatBytes, fromHex, type Hex, uintBytes } from "./bytes.ts";
import { keccak, utf8 } from "./hashing.ts";

/*
 * EIP-712 by hand. viem's generic encoder spends about twenty times as long per digest, and every voucher and receipt
 * needs one; the tests hold this code against viem's.
 */

export interface Eip712Domain {
  readonly name: string;
  readonly version: string;
  readonly chainId: number;
  readonly verifyingContract: Hex;
}

/** The chain and the contract that a signature is bound to. */
export type DomainBinding = Pick<Eip712Domain, "chainId" | "verifyingContract">;

const DOMAIN_TYPEHASH = keccak(
  utf8("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
);
const PREFIX = Uint8Array.of(0x19, 0x01);

/** Hash of a type's text, such as `Voucher(bytes32 channelId,uint128 maxClaimableAmount)`. */
export function typeHash(type: string): Uint8Array {
  return keccak(utf8(type));
}

/** An address as a 32-byte word. */
export function addressWord(address: Hex): Uint8Array {
  return concatBytes(new Uint8Array(12), fromHex(address, 20));
}

/** An unsigned integer as a 32-byte word. */
export function uintWord(value: bigint | number): Uint8Array {
  return uintBytes(value, 32);
}

const separators = new Map<string, Uint8Array>();

/** The domain separator; kept, since a process meets only a few domains. */
export function domainSeparator(domain: Eip712Domain): Uint8Array {
  const key = `${domain.name}|${domain.version}|${domain.chainId}|${domain.verifyingContract}`;
  let separator = separators.get(key);
  if (separator === undefined) {
    separator = keccak(
      DOMAIN_TYPEHASH,
      keccak(utf8(domain.name)),
      keccak(utf8(domain.version)),
      uintWord(domain.chainId),
      addressWord(domain.verifyingContract),
    );
    separators.set(key, separator);
  }
  return separator;
}

/** The 32-byte digest that is signed. `structWords` are the type hash and the encoded members, 32 bytes each. */
export function typedDataDigest(domain: Eip712Domain, structWords: readonly Uint8Array[]): Uint8Array {
  return keccak(PREFIX, domainSeparator(domain), keccak(...structWords));
}
