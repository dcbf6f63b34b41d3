import type { Hex } from "@depinfer/protocol";
import { CONTRACT_NAMES, type ContractName } from "./abi.ts";
import { ChainError } from "./errors.ts";

/** Where the contracts are. Plain JSON: save it with `JSON.stringify`, read it back with `parseDeployment`. */
export interface Deployment {
  readonly chainId: number;
  /** An endpoint of the chain, if the deployment names one. */
  readonly rpcUrl?: string;
  /** The block before the first contract: following events from here misses none. */
  readonly block: number;
  readonly addresses: Readonly<Record<ContractName, Hex>>;
}

/** A deployment from parsed JSON; throws `chain.badDeployment` naming the member that is wrong. */
export function parseDeployment(value: unknown): Deployment {
  const document = members(value, "the deployment");
  const { chainId, block, rpcUrl } = Object.fromEntries(document);
  if (typeof chainId !== "number" || !Number.isSafeInteger(chainId) || chainId < 1) {
    throw badDeployment("chainId is not a positive integer");
  }
  if (typeof block !== "number" || !Number.isSafeInteger(block) || block < 0) {
    throw badDeployment("block is not a block number");
  }
  if (rpcUrl !== undefined && typeof rpcUrl !== "string") {
    throw badDeployment("rpcUrl is not text");
  }
  const given = members(document.get("addresses"), "addresses");
  const addresses: Record<ContractName, Hex> = {
    testUsd: address(given, "testUsd"),
    channels: address(given, "channels"),
    providerRegistry: address(given, "providerRegistry"),
    stakeVault: address(given, "stakeVault"),
    receiptLog: address(given, "receiptLog"),
    validatorSet: address(given, "validatorSet"),
    disputes: address(given, "disputes"),
    refundInsurance: address(given, "refundInsurance"),
    feeSplitter: address(given, "feeSplitter"),
    passes: address(given, "passes"),
  };
  return { chainId, block, addresses, ...(rpcUrl === undefined ? {} : { rpcUrl }) };
}

/** The contract at `address`, if it is one of the deployment's. */
export function contractAt(deployment: Deployment, address: string): ContractName | undefined {
  return CONTRACT_NAMES.find((name) => deployment.addresses[name].toLowerCase() === address.toLowerCase());
}

function members(value: unknown, name: string): ReadonlyMap<string, unknown> {
  if (typeof value !== "object" || value === null) {
    throw badDeployment(`${name} is not an object`);
  }
  return new Map(Object.entries(value));
}

function address(given: ReadonlyMap<string, unknown>, name: ContractName): Hex {
  const value = given.get(name);
  if (typeof value !== "string" || !/^0x[0-9a-fA-F]{40}$/.test(value)) {
    throw badDeployment(`addresses.${name} is not an address`);
  }
  return `0x${value.slice(2).toLowerCase()}`;
}

function badDeployment(reason: string): ChainError {
  return new ChainError({
    code: "chain.badDeployment",
    message: `Not a deployment: ${reason}`,
    remedy: "Pass the JSON that deployContracts returned",
    metadata: { reason },
  });
}
