import type { Hex } from "@depinfer/protocol";
import { BaseError, decodeErrorResult, isHex, parseAbi } from "viem";
import { ABIS } from "./abi.ts";
import { ChainRevertError, withoutRequest } from "./errors.ts";

/** A contract's refusal: the name of its custom error and its arguments as text. */
export interface Revert {
  readonly name: string;
  readonly args: readonly string[];
}

/** Errors that libraries raise from assembly, which compilers leave out of a contract's ABI. */
const LIBRARY_ERRORS = parseAbi([
  "error TransferFailed()",
  "error TransferFromFailed()",
  "error SafeERC20FailedOperation(address token)",
  "error Error(string reason)",
  "error Panic(uint256 code)",
]);

/** One contract calls another, and errors pass through: so all of them are looked up together. */
const ALL_ERRORS = [
  ...ABIS.testUsd,
  ...ABIS.channels,
  ...ABIS.providerRegistry,
  ...ABIS.stakeVault,
  ...ABIS.receiptLog,
  ...ABIS.validatorSet,
  ...ABIS.disputes,
  ...ABIS.refundInsurance,
  ...ABIS.feeSplitter,
  ...ABIS.passes,
  ...LIBRARY_ERRORS,
].filter((entry) => entry.type === "error");

const REMEDIES: Readonly<Record<string, string>> = {
  AboveBalance: "Put in less, or renew the pass",
  AboveDeposit: "Top the channel up, or claim a voucher within its deposit",
  AlreadyJudged: "Wait for the end of the open dispute; a receipt that was judged is not judged again",
  AlreadyRegistered: "Use update to change the entry, or deregister first",
  AmountTooWide: "Use an amount below 2^96 units",
  AuthorizationExpired: "Sign a new authorization",
  AuthorizationNotYetValid: "Wait until the time given",
  AuthorizationUsedOrCanceled: "Sign a new authorization with another nonce",
  BadSignature: "Have the channel's payerAuthorizer sign this amount for this channel, chain and contract",
  BeaconTooEarly: "Wait until the block after the target block, then draw again",
  AppealOver: "Nothing to do: the verdict is final",
  ChannelExists: "Choose another salt: a channel id is never used twice",
  ChannelNotOpen: "Open the channel first, or use another if it was closed",
  ChannelsOpen: "Reclaim the pass's channels first",
  CreditAbovePrice: "Cancel the pass and buy one of the other tier",
  DelayOutOfRange: "Choose a withdrawDelay within the bounds given",
  InsufficientBalance: "Deposit more first",
  InsufficientAllowance: "Approve the contract to spend the tokens first",
  MintAboveCap: "Mint in several calls",
  InvalidAuthorization: "Have the payer sign for this token, chain, recipient, amount and nonce",
  NoSigner: "Set the pass's signer first",
  NoSuchTier: "List the tiers and choose one of them",
  NotAboveSettled: "Nothing to do: a voucher of at least this amount was claimed already",
  NotDearer: "Choose a dearer tier, or cancel the pass and buy one of the other tier",
  NotHolder: "Send this from the holder of the pass",
  NothingToPay: "Nothing to do now; try again when the fund or the provider's budget has grown",
  NotOperator: "Send this from the operator or the pass's holder",
  NotPayer: "Send this from the channel's payer",
  NotProvider: "Register as a provider first",
  NotReceiver: "Send this from the channel's receiver or its authorizer",
  NotRegistered: "Register first",
  NotActiveValidator: "Join the validator set, and keep the registration and the least stake",
  NotMember: "Join the validator set first",
  NothingAtStake: "Nothing to do: the provider has no stake to lose",
  NotSignedByProvider: "Dispute a receipt that its provider signed with its receipt key",
  NotTheVaultsDisputes: "Deploy again from an account that sends nothing else meanwhile",
  NotValidator: "Register as a validator first",
  OutsideWindow: "Nothing to do: receipts this old can no longer be disputed",
  PassNotActive: "Renew the pass, or buy another if it was ended",
  PassNotOver: "Wait until the pass ends, or cancel it as its holder",
  PeerIdTaken: "Make a new node key, or deregister the operator that uses this one",
  ReceiptKeyTaken: "Make a new receipt key",
  StakeBelowMinimum: "Bond more stake, or fewer slots",
  StakeTooLow: "Bond the minimum stake of a validator first",
  RootNotDue: "Post the root between the times given",
  SweepTooEarly: "Wait until the time given",
  TooFewJurors: "Wait until enough validators of the class have joined",
  TooManyChannels: "Reclaim a channel of the pass first",
  TransferFromFailed: "Approve the contract and hold enough of the token",
  UnbondTooEarly: "Wait until the time given",
  WithdrawTooEarly: "Wait until the time given",
  WithdrawNotInitiated: "Initiate the withdrawal first",
  WrongChannel: "Give the config of the channel that the receipt names",
  WrongEpoch: "Post the epoch number that was expected",
};

/** The refusal inside an error that viem threw; `undefined` when no contract refused. */
export function findRevert(error: unknown): Revert | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const data = "data" in cause ? revertData(cause.data) : undefined;
    if (data !== undefined) {
      return decodeRevert(data);
    }
  }
  const reverted =
    error instanceof BaseError &&
    error.walk((cause) => cause instanceof Error && /revert/i.test(cause.message)) !== null;
  return reverted ? { name: "unknown", args: [] } : undefined;
}

/** Decodes what a call returned when it reverted. */
export function decodeRevert(data: Hex): Revert {
  try {
    const { errorName, args } = decodeErrorResult({ abi: ALL_ERRORS, data });
    return { name: errorName, args: (args ?? []).map(String) };
  } catch {
    // A selector that is in none of our ABIs; the caller still learns that it was a revert.
    return { name: "unknown", args: [data] };
  }
}

export function revertError(action: string, { name, args }: Revert, cause?: unknown): ChainRevertError {
  const detail = name === "unknown" ? "without a reason that we know" : `${name}(${args.join(", ")})`;
  return new ChainRevertError({
    code: "chain.reverted",
    message: `The contract refused ${action}: ${detail}`,
    remedy: REMEDIES[name] ?? "Read the error's name and arguments in the contract's documentation",
    metadata: { action, errorName: name, errorArgs: args.join(", ") },
    ...(cause === undefined ? {} : { cause: withoutRequest(cause) }),
    errorName: name,
    errorArgs: args,
  });
}

/** Endpoints put the data at `error.data`, or at `error.data.data`. */
function revertData(data: unknown): Hex | undefined {
  if (typeof data === "object" && data !== null && "data" in data) {
    return revertData(data.data);
  }
  return isHex(data) && data.length >= 10 ? data : undefined;
}
