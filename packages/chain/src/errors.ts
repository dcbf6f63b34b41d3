import { DepinferError, type DepinferErrorOptions, errorMessage } from "@depinfer/protocol";

/** Anything that goes wrong between this package and a chain. Codes start with `chain.`. */
export class ChainError extends DepinferError {}

/** A transaction or a call that a contract refused. */
export class ChainRevertError extends ChainError {
  /** Name of the contract's custom error, such as `AboveDeposit`; `unknown` when the contract gave no reason we know. */
  readonly errorName: string;
  /** The error's arguments in order, as text. */
  readonly errorArgs: readonly string[];

  constructor(options: DepinferErrorOptions & { readonly errorName: string; readonly errorArgs: readonly string[] }) {
    super(options);
    this.errorName = options.errorName;
    this.errorArgs = options.errorArgs;
  }
}

/** The endpoint cannot be reached or does not answer in time. Carries the URL without credentials or query. */
export function unreachable(rpcUrl: string, cause: unknown): ChainError {
  const url = displayUrl(rpcUrl);
  return new ChainError({
    code: "chain.unreachable",
    message: `No answer from the chain at ${url}: ${firstLine(cause)}`,
    remedy: "Check that the chain is running and that --rpc-url names it",
    metadata: { rpcUrl: url },
    retryable: true,
    cause: withoutRequest(cause),
  });
}

export function receiptTimeout(hash: string, timeoutMs: number): ChainError {
  return new ChainError({
    code: "chain.receiptTimeout",
    message: `Transaction ${hash} was not mined within ${timeoutMs} ms`,
    remedy: "Look the transaction up before sending it again: it may still be mined",
    metadata: { hash, timeoutMs },
  });
}

export function noAccount(action: string): ChainError {
  return new ChainError({
    code: "chain.noAccount",
    message: `${action} needs an account, and this chain object only reads`,
    remedy: "Pass account to createChain",
    metadata: { action },
  });
}

export function wrongChain(rpcUrl: string, expected: number, actual: number): ChainError {
  return new ChainError({
    code: "chain.wrongChain",
    message: `${displayUrl(rpcUrl)} is chain ${actual}, the deployment is on chain ${expected}`,
    remedy: "Use the RPC URL of the chain that the contracts were deployed to",
    metadata: { rpcUrl: displayUrl(rpcUrl), expected, actual },
  });
}

/** An endpoint's answer that is an error, but neither a revert nor a failed connection. */
export function rpcFailed(action: string, cause: unknown): ChainError {
  return new ChainError({
    code: "chain.rpc",
    message: `The chain refused ${action}: ${firstLine(cause)}`,
    remedy: "Check the account's gas balance and the endpoint's limits",
    metadata: { action },
    cause: withoutRequest(cause),
  });
}

/**
 * viem's errors repeat the whole request with the endpoint's URL, key included, and end up in logs. What is kept is its
 * name and what the endpoint said.
 */
export function withoutRequest(cause: unknown): Error {
  const kept = new Error(firstLine(cause));
  kept.name = cause instanceof Error ? cause.name : "Error";
  return kept;
}

/** RPC URLs often carry an API key as user, path or query; only scheme and host are safe to show. */
export function displayUrl(rpcUrl: string): string {
  try {
    const url = new URL(rpcUrl);
    return `${url.protocol}//${url.host}`;
  } catch {
    // Not a URL at all: show that, not the text, which may be a pasted key.
    return "(invalid URL)";
  }
}

/** The endpoint's own words where viem kept them (`details`), else the first line of the message. */
function firstLine(cause: unknown): string {
  const details = cause instanceof Error && "details" in cause ? cause.details : undefined;
  const text = typeof details === "string" && details !== "" ? details : errorMessage(cause);
  return text.split("\n", 1)[0] ?? "";
}
