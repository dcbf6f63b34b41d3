import { DepinferError, type Hex } from "@depinfer/protocol";

/** The contracts that a page spends money with. */
export interface MoneyContracts {
  readonly testUsd: Hex;
  readonly passes: Hex;
}

type Addresses = Readonly<Record<string, Hex>> | null | undefined;

/**
 * The addresses on which everybody who knows them agrees. Whoever hosts a page could name a contract of his own; then the
 * indexer and the gateway, which others run, would name another one.
 *
 * @param page from `config.json`; may be absent.
 * @param gateway the contract of passes that the gateway of this key checks signatures for.
 * @throws DepinferError `money.contractsDiffer`, or `money.contractsUnknown`.
 */
export function agreedContracts(page: Addresses, indexer: Addresses, gateway: Hex | null): MoneyContracts {
  const passes = agreed("passes", [page?.passes, indexer?.passes, gateway]);
  const testUsd = agreed("testUsd", [page?.testUsd, indexer?.testUsd]);
  if (indexer === null || indexer === undefined || passes === null || testUsd === null) {
    throw new DepinferError({
      code: "money.contractsUnknown",
      message: "Nobody but this page's host says where the contracts are",
      remedy: "Connect an indexer that you trust under Connection; without one nothing is bought here",
      retryable: true,
    });
  }
  return { testUsd, passes };
}

function agreed(name: string, said: readonly (Hex | null | undefined)[]): Hex | null {
  const different = [...new Set(said.filter((address) => address !== null && address !== undefined))];
  if (different.length > 1) {
    throw new DepinferError({
      code: "money.contractsDiffer",
      message: `This page's host, the indexer and the gateway name different contracts for ${name}: ${different.join(" and ")}`,
      remedy: "Buy nothing here. One of them is of another network, or lies",
      metadata: { contract: name },
    });
  }
  return different[0] ?? null;
}
