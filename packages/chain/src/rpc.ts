import { DepinferError } from "@depinfer/protocol";
import { BaseError, createPublicClient, HttpRequestError, http, type PublicClient, TimeoutError } from "viem";
import { ChainError, displayUrl, rpcFailed, unreachable } from "./errors.ts";
import { findRevert, revertError } from "./revert.ts";

/** One endpoint of one chain. */
export interface Rpc {
  readonly url: string;
  /** Runs `request` and turns whatever viem throws into an error of this package; `action` names it in messages. */
  ask<T>(action: string, request: (client: PublicClient) => Promise<T>): Promise<T>;
}

export interface RpcOptions {
  /** Longest wait for one answer. */
  readonly timeoutMs?: number;
}

/** Repeats of a request that did not get through, beyond the first; they also cover a chain that is just restarting. */
const RETRIES = 1;

/** An endpoint at `url`. Nothing is sent yet. */
export function createRpc(url: string, { timeoutMs = 10_000 }: RpcOptions = {}): Rpc {
  if (displayUrl(url).startsWith("(")) {
    throw new ChainError({
      code: "chain.badUrl",
      message: "The RPC URL is not a URL",
      remedy: "Pass something like http://127.0.0.1:8545 as --rpc-url",
    });
  }
  const client = createPublicClient({
    transport: http(url, { retryCount: RETRIES, timeout: timeoutMs }),
    // Answers must be fresh: a cached block number hides a chain that went back.
    cacheTime: 0,
  });
  return {
    url,
    async ask(action, request) {
      try {
        return await request(client);
      } catch (error) {
        throw translate(url, action, error);
      }
    },
  };
}

function translate(url: string, action: string, error: unknown): unknown {
  if (error instanceof DepinferError) {
    return error;
  }
  if (error instanceof BaseError && error.walk(isConnectionError) !== null) {
    return unreachable(url, error.walk(isConnectionError));
  }
  const revert = findRevert(error);
  return revert === undefined ? rpcFailed(action, error) : revertError(action, revert, error);
}

function isConnectionError(error: unknown): boolean {
  return error instanceof HttpRequestError || error instanceof TimeoutError;
}
