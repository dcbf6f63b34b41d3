import { ChainRevertError } from "@depinfer/chain";
import { DepinferError } from "@depinfer/protocol";

/** Codes of EIP-1193 (https://eips.ethereum.org/EIPS/eip-1193#rpc-errors) and of JSON-RPC 2.0. */
export const RPC_CODES = {
  unauthorized: 4_100,
  unsupported: 4_200,
  invalidRequest: -32_600,
  invalidParams: -32_602,
  internal: -32_603,
  /** As nodes answer a call that reverts. */
  reverted: 3,
} as const;

/** An error that goes to the page under its number. */
export class WalletRpcError extends Error {
  readonly code: number;
  readonly data: unknown;

  constructor(code: number, message: string, data?: unknown) {
    super(message);
    this.name = "WalletRpcError";
    this.code = code;
    this.data = data;
  }
}

export function invalidParams(why: string): WalletRpcError {
  return new WalletRpcError(RPC_CODES.invalidParams, why);
}

/** What JSON-RPC says of an error. */
export function rpcErrorOf(error: unknown): { code: number; message: string; data?: unknown } {
  if (error instanceof WalletRpcError) {
    return { code: error.code, message: error.message, ...(error.data === undefined ? {} : { data: error.data }) };
  }
  if (error instanceof DepinferError) {
    const code = error instanceof ChainRevertError ? RPC_CODES.reverted : RPC_CODES.internal;
    return { code, message: error.message, data: { code: error.code, remedy: error.remedy } };
  }
  return { code: RPC_CODES.internal, message: "The wallet failed at this; the console's log says why" };
}
