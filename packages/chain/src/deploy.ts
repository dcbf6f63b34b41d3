import type { Hex } from "@depinfer/protocol";
import { getContractAddress } from "viem";
import { ABIS, CONTRACT_NAMES, type ContractName } from "./abi.ts";
import { creationData, type Deployed, NEEDS } from "./deploy-plan.ts";
import { DEPLOY_TERMS, type DeployTerms, type DisputeTerms } from "./deploy-terms.ts";
import { type Deployment, parseDeployment } from "./deployment.ts";
import { ChainError } from "./errors.ts";
import { lowerCase } from "./lower-case.ts";
import type { PassTerms } from "./passes.ts";
import { createRpc, type Rpc } from "./rpc.ts";
import type { Signer } from "./signer.ts";
import { createWriter } from "./writer.ts";

/** A deployment that was broken off: what of it is on the chain. */
export interface PartialDeployment {
  readonly chainId: number;
  readonly block: number;
  readonly addresses: Deployed;
}

/** Over `DEPLOY_TERMS`, and what is there already. */
export interface DeployOptions extends Partial<Omit<DeployTerms, "disputeTerms" | "passTerms">> {
  /** Reused if all of its contracts are still there. */
  readonly existing?: Deployment;
  /** Continued: contracts that are there and whose parts are too are not made again. */
  readonly resume?: PartialDeployment;
  /** Told after each contract, before the next: keep it, and a deployment that is broken off can be continued. */
  readonly onDeployed?: (name: ContractName, soFar: PartialDeployment) => void | Promise<void>;
  /** The stable coin; by default a test token without value is made. */
  readonly token?: Hex;
  /** Over `DISPUTE_TERMS`. */
  readonly disputeTerms?: Partial<DisputeTerms>;
  /** Over `PASS_TERMS`. */
  readonly passTerms?: Partial<PassTerms>;
}

/**
 * Deploys the contracts, or returns `existing` if its code is all there: running it twice is running it once. A local
 * chain that was killed may have forgotten a deployment; then a new one is made.
 */
export async function deployContracts(
  { rpcUrl, account }: { readonly rpcUrl: string; readonly account: Signer },
  { existing, resume, onDeployed, token, ...options }: DeployOptions = {},
): Promise<Deployment> {
  const rpc = createRpc(rpcUrl);
  const { chainId, latest } = await rpc.ask("deploy", async (client) => ({
    chainId: await client.getChainId(),
    latest: Number(await client.getBlockNumber()),
  }));
  if (existing !== undefined && existing.chainId === chainId) {
    const there = await withCode(rpc, existing.addresses);
    if (CONTRACT_NAMES.every((name) => there[name] !== undefined)) {
      return existing;
    }
  }

  const terms = termsOf(options);
  const writer = createWriter({ rpc, account, chainId });
  const started = resume !== undefined && resume.chainId === chainId ? resume : undefined;
  const block = started === undefined ? latest : started.block;
  const addresses: Partial<Record<ContractName, Hex>> = await reusable(rpc, account.address, started?.addresses ?? {});
  if (token !== undefined && token !== addresses.testUsd) {
    drop(addresses, "testUsd");
    addresses.testUsd = lowerCase(token);
  }
  for (const name of CONTRACT_NAMES) {
    if (addresses[name] !== undefined) {
      continue;
    }
    const disputes = await disputesAddress(rpc, account.address, addresses);
    const data = creationData(name, addresses, terms, disputes);
    const { contractAddress } = await writer.sendForReceipt({ data, action: `deploying ${name}` });
    if (contractAddress === undefined || contractAddress === null) {
      throw new ChainError({
        code: "chain.notDeployed",
        message: `The chain made no contract for ${name}`,
        remedy: "Check that the endpoint serves an EVM chain",
        metadata: { name },
      });
    }
    addresses[name] = lowerCase(contractAddress);
    await onDeployed?.(name, { chainId, block, addresses: { ...addresses } });
  }
  return parseDeployment({ chainId, rpcUrl, block, addresses });
}

/** `DEPLOY_TERMS` with what was chosen instead. */
export function termsOf({
  disputeTerms = {},
  passTerms = {},
  ...others
}: Omit<DeployOptions, "existing" | "resume" | "onDeployed" | "token">): DeployTerms {
  return {
    ...DEPLOY_TERMS,
    ...others,
    disputeTerms: { ...DEPLOY_TERMS.disputeTerms, ...disputeTerms },
    passTerms: { ...DEPLOY_TERMS.passTerms, ...passTerms },
  };
}

/** What of a deployment can be built on: it has code, what it was made with is still there, and so is its future. */
export async function reusable(
  rpc: Rpc,
  account: Hex,
  recorded: Deployed,
): Promise<Partial<Record<ContractName, Hex>>> {
  const addresses = await withCode(rpc, recorded);
  for (const name of CONTRACT_NAMES) {
    if (addresses[name] === undefined) {
      drop(addresses, name);
    }
  }
  const { stakeVault, disputes } = addresses;
  if (stakeVault !== undefined && disputes === undefined) {
    // The vault expects the disputes contract where the account's next contracts would have put it.
    const expected = await rpc.ask("deploy", (client) =>
      client.readContract({ address: stakeVault, abi: ABIS.stakeVault, functionName: "DISPUTES" }),
    );
    if (lowerCase(expected) !== (await disputesAddress(rpc, account, addresses))) {
      drop(addresses, "stakeVault");
    }
  }
  return addresses;
}

/** Where the disputes contract will be if nothing else is sent: after those that are missing before it. */
async function disputesAddress(rpc: Rpc, account: Hex, deployed: Deployed): Promise<Hex> {
  const nonce = await rpc.ask("deploy", (client) => client.getTransactionCount({ address: account }));
  const before = CONTRACT_NAMES.slice(0, CONTRACT_NAMES.indexOf("disputes"));
  const missing = before.filter((name) => deployed[name] === undefined).length;
  return lowerCase(getContractAddress({ from: account, nonce: BigInt(nonce + missing) }));
}

/** Forgets a contract and all that were made with it. */
function drop(addresses: Partial<Record<ContractName, Hex>>, gone: ContractName): void {
  delete addresses[gone];
  for (const name of CONTRACT_NAMES) {
    if (addresses[name] !== undefined && NEEDS[name].includes(gone)) {
      drop(addresses, name);
    }
  }
}

async function withCode(rpc: Rpc, recorded: Deployed): Promise<Partial<Record<ContractName, Hex>>> {
  const found: Partial<Record<ContractName, Hex>> = {};
  await rpc.ask("deploy", (client) =>
    Promise.all(
      CONTRACT_NAMES.map(async (name) => {
        const address = recorded[name];
        const code = address === undefined ? undefined : await client.getCode({ address });
        if (address !== undefined && code !== undefined && code !== "0x") {
          found[name] = address;
        }
      }),
    ),
  );
  return found;
}
