import type { Hex } from "@depinfer/protocol";
import { CONTRACT_NAMES, type ContractName } from "./abi.ts";
import { RUNTIME } from "./bytecode/runtime.ts";
import { reusable } from "./deploy.ts";
import { CREATION, type Deployed } from "./deploy-plan.ts";
import { createRpc } from "./rpc.ts";

/** One contract that a deployment would make. */
export interface PlannedContract {
  readonly name: ContractName;
  /** Of the code that stays on the chain. */
  readonly bytes: number;
  /** An estimate; it is within a tenth. */
  readonly gas: bigint;
}

export interface DeploymentEstimate {
  readonly chainId: number;
  readonly contracts: readonly PlannedContract[];
  /** Contracts of a broken-off deployment that are used again. */
  readonly reused: Deployed;
  readonly gas: bigint;
  /** Wei for a unit of gas, today. */
  readonly gasPrice: bigint;
  /** Wei for everything, today. */
  readonly cost: bigint;
  /** Wei that the account holds. */
  readonly balance: bigint;
}

/* What making a contract costs: yellow paper, appendix G, with EIP-2028 and EIP-3860. */
const CREATION_GAS = 53_000;
const ZERO_BYTE_GAS = 4;
const BYTE_GAS = 16;
const INIT_WORD_GAS = 2;
const CODE_BYTE_GAS = 200;
/** What constructors do beyond copying code: reads of other contracts, and for some a few words of storage. */
const CONSTRUCTOR_GAS = 40_000;
/** The splitter stores a list and a share for each payee. */
const STORED_PAYEE_GAS = 45_000;

/** What deploying would cost `account`. A chain cannot be asked: most constructors need contracts that are not there yet. */
export async function estimateDeployment(
  { rpcUrl, account }: { readonly rpcUrl: string; readonly account: Hex },
  {
    resume,
    token,
    payees,
  }: {
    readonly resume?: { readonly chainId: number; readonly addresses: Deployed } | undefined;
    readonly token?: Hex | undefined;
    /** Distinct accounts that share fees. */
    readonly payees: number;
  },
): Promise<DeploymentEstimate> {
  const rpc = createRpc(rpcUrl);
  const { chainId, gasPrice, balance } = await rpc.ask("deploy", async (client) => ({
    chainId: await client.getChainId(),
    gasPrice: await client.getGasPrice(),
    balance: await client.getBalance({ address: account }),
  }));
  const recorded = resume !== undefined && resume.chainId === chainId ? resume.addresses : {};
  const reused: Deployed = await reusable(
    rpc,
    account,
    token === undefined ? recorded : { ...recorded, testUsd: token },
  );
  const contracts = CONTRACT_NAMES.filter((name) => reused[name] === undefined).map((name) => ({
    name,
    bytes: RUNTIME[name].length,
    gas: BigInt(creationGas(name) + (name === "feeSplitter" ? payees * STORED_PAYEE_GAS : 0)),
  }));
  const gas = contracts.reduce((sum, contract) => sum + contract.gas, 0n);
  return { chainId, contracts, reused, gas, gasPrice, cost: gas * gasPrice, balance };
}

function creationGas(name: ContractName): number {
  const code = Buffer.from(CREATION[name].slice(2), "hex");
  const zeros = code.reduce((count, byte) => count + (byte === 0 ? 1 : 0), 0);
  return (
    CREATION_GAS +
    zeros * ZERO_BYTE_GAS +
    (code.length - zeros) * BYTE_GAS +
    Math.ceil(code.length / 32) * INIT_WORD_GAS +
    RUNTIME[name].length * CODE_BYTE_GAS +
    CONSTRUCTOR_GAS
  );
}
