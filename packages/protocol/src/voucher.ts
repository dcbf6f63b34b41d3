import { z } from "zod";
import { addressSchema, bytes32Schema, fromHex, type Hex, hexSchema, toHex } from "./bytes.ts";
import { addressWord, type DomainBinding, typedDataDigest, typeHash, uintWord } from "./eip712.ts";
import { microUsdSchema } from "./money.ts";

/*
 * Channels and vouchers use the message types of the x402 `batch-settlement` scheme, so that an x402 client can pay a
 * Depinfer provider. A voucher is cumulative: it replaces every voucher of its channel with a smaller amount.
 */

const CHANNEL_TYPEHASH = typeHash(
  "ChannelConfig(address payer,address payerAuthorizer,address receiver,address receiverAuthorizer,address token,uint40 withdrawDelay,bytes32 salt)",
);
const VOUCHER_TYPEHASH = typeHash("Voucher(bytes32 channelId,uint128 maxClaimableAmount)");

/** Everything that identifies a channel; immutable, its hash is the channel's id. */
export const channelConfigSchema = z.strictObject({
  payer: addressSchema,
  payerAuthorizer: addressSchema,
  receiver: addressSchema,
  receiverAuthorizer: addressSchema,
  token: addressSchema,
  /** Seconds between asking for the deposit back and getting it. */
  withdrawDelay: z.int().min(0).max(2_592_000),
  salt: bytes32Schema,
});
export type ChannelConfig = z.output<typeof channelConfigSchema>;

/** A voucher with the channel it belongs to, as it travels in a VOUCHER frame. */
export const signedVoucherSchema = z.strictObject({
  config: channelConfigSchema,
  maxClaimableAmount: microUsdSchema,
  signature: hexSchema,
});
export type SignedVoucher = z.output<typeof signedVoucherSchema>;

function channelsDomain(binding: DomainBinding) {
  return { name: "x402 Batch Settlement", version: "1", ...binding };
}

/** Channel id: the EIP-712 digest of the config, hence bound to chain and contract. */
export function channelId(config: ChannelConfig, binding: DomainBinding): Hex {
  return toHex(
    typedDataDigest(channelsDomain(binding), [
      CHANNEL_TYPEHASH,
      addressWord(config.payer),
      addressWord(config.payerAuthorizer),
      addressWord(config.receiver),
      addressWord(config.receiverAuthorizer),
      addressWord(config.token),
      uintWord(config.withdrawDelay),
      fromHex(config.salt, 32),
    ]),
  );
}

/** The digest that `payerAuthorizer` signs to let `maxClaimableAmount` units be claimed in all. */
export function voucherDigest(id: Hex, maxClaimableAmount: bigint, binding: DomainBinding): Uint8Array {
  return typedDataDigest(channelsDomain(binding), [VOUCHER_TYPEHASH, fromHex(id, 32), uintWord(maxClaimableAmount)]);
}
