import {
  channelId,
  type Hex,
  microUsd,
  PASS_USE_TYPES,
  PROOF_LEVELS,
  passUseDigest,
  passUseDomain,
  type Receipt,
  receiptDigest,
  STOP_REASONS,
  toHex,
  voucherDigest,
} from "@depinfer/protocol";
import { assert, bigInt, constantFrom, integer, property, record, uint8Array } from "fast-check";
import { hashTypedData } from "viem";
import { expect, test } from "vitest";

/* Digests are made by hand, for speed. They have to be those of any other EIP-712 encoder. */

const bytes = (length: number) =>
  uint8Array({ minLength: length, maxLength: length }).map((value): Hex => toHex(value));
const binding = record({ chainId: integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), verifyingContract: bytes(20) });
const units = bigInt(0n, 2n ** 128n - 1n);
const count = integer({ min: 0, max: 0xffff_ffff });
const time = integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

const config = record({
  payer: bytes(20),
  payerAuthorizer: bytes(20),
  receiver: bytes(20),
  receiverAuthorizer: bytes(20),
  token: bytes(20),
  withdrawDelay: integer({ min: 0, max: 2_592_000 }),
  salt: bytes(32),
});
const receipt = record({
  requestId: bytes(32),
  requestHash: bytes(32),
  classId: bytes(32),
  promptHash: bytes(32),
  transcriptRoot: bytes(32),
  textHash: bytes(32),
  seedCommitment: bytes(32),
  channelId: bytes(32),
  provider: bytes(20),
  promptTokens: count,
  cachedTokens: count,
  outputTokens: count,
  stopReason: constantFrom(...STOP_REASONS),
  proofLevel: constantFrom(...PROOF_LEVELS),
  cost: units.map(microUsd),
  startedAt: time,
  finishedAt: time,
});

const field = (text: string) => {
  const [type = "", name = ""] = text.split(" ");
  return { type, name };
};
const types = {
  ChannelConfig: [
    "address payer",
    "address payerAuthorizer",
    "address receiver",
    "address receiverAuthorizer",
    "address token",
    "uint40 withdrawDelay",
    "bytes32 salt",
  ].map(field),
  Voucher: ["bytes32 channelId", "uint128 maxClaimableAmount"].map(field),
  Receipt: [
    ...["requestId", "requestHash", "classId", "promptHash", "transcriptRoot", "textHash", "seedCommitment"].map(
      (name) => `bytes32 ${name}`,
    ),
    "bytes32 channelId",
    "address provider",
    "uint32 promptTokens",
    "uint32 cachedTokens",
    "uint32 outputTokens",
    "uint8 stopReason",
    "uint8 proofLevel",
    "uint128 cost",
    "uint64 startedAt",
    "uint64 finishedAt",
  ].map(field),
};

test("a channel's id is the EIP-712 digest of its config", () => {
  assert(
    property(binding, config, (domain, message) => {
      const theirs = hashTypedData({
        domain: { name: "x402 Batch Settlement", version: "1", ...domain },
        types,
        primaryType: "ChannelConfig",
        message,
      });
      expect(channelId(message, domain)).toBe(theirs);
    }),
    { numRuns: 500 },
  );
});

test("a voucher's digest is its EIP-712 digest", () => {
  assert(
    property(binding, bytes(32), units, (domain, id, maxClaimableAmount) => {
      const theirs = hashTypedData({
        domain: { name: "x402 Batch Settlement", version: "1", ...domain },
        types,
        primaryType: "Voucher",
        message: { channelId: id, maxClaimableAmount },
      });
      expect(toHex(voucherDigest(id, maxClaimableAmount, domain))).toBe(theirs);
    }),
    { numRuns: 500 },
  );
});

test("a receipt's digest is its EIP-712 digest", () => {
  assert(
    property(binding, receipt, (domain, message: Receipt) => {
      const theirs = hashTypedData({
        domain: { name: "Depinfer", version: "1", ...domain },
        types,
        primaryType: "Receipt",
        message: {
          ...message,
          stopReason: STOP_REASONS.indexOf(message.stopReason),
          proofLevel: PROOF_LEVELS.indexOf(message.proofLevel),
        },
      });
      expect(toHex(receiptDigest(message, domain))).toBe(theirs);
    }),
    { numRuns: 500 },
  );
});

test("what the holder of a pass signs is the EIP-712 digest of its types", () => {
  const use = record({ pass: bigInt(1n, 2n ** 256n - 1n), keyHash: bytes(32), operator: bytes(20) });
  assert(
    property(binding, use, (domain, message) => {
      const theirs = hashTypedData({
        domain: passUseDomain(domain),
        types: PASS_USE_TYPES,
        primaryType: "UsePass",
        message,
      });
      expect(toHex(passUseDigest(message, domain))).toBe(theirs);
    }),
    { numRuns: 500 },
  );
});
