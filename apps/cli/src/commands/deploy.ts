import { existsSync } from "node:fs";
import { stdin, stdout } from "node:process";
import { createInterface } from "node:readline/promises";
import {
  createSigner,
  type Deployment,
  type DeploymentEstimate,
  deployContracts,
  estimateDeployment,
  FEE_SHARES,
  parseDeployment,
  termsOf,
  verifyDeployment,
} from "@depinfer/chain";
import { DepinferError, type Hex } from "@depinfer/protocol";
import { deploymentPath, type FeePayees, readDeploymentFile, writeDeploymentFile } from "../deployment-file.ts";
import { homePaths } from "../home.ts";
import { readNetworkFile } from "../network-file.ts";
import { printTable } from "../table.ts";
import { readKey } from "../up/remote-chain.ts";

export interface DeployCommand {
  readonly home: string;
  readonly json: boolean;
  readonly rpcUrl: string;
  readonly keyFile: string | undefined;
  readonly token: Hex | undefined;
  readonly feePayees: FeePayees;
  /** Deploys without asking. */
  readonly yes: boolean;
}

/**
 * `depinfer deploy`: shows what would be made and what it costs, then makes it, writing down each contract before the
 * next. Run again after it was broken off, it goes on. Exit code 2 when nobody agreed.
 */
export async function deploy(command: DeployCommand): Promise<number> {
  const { home, json, rpcUrl, token, feePayees, yes } = command;
  const account = createSigner(readKey(command.keyFile));
  const payees = Math.min(Object.keys(feePayees).length + 1, Object.keys(FEE_SHARES).length);
  const first = await estimateDeployment({ rpcUrl, account: account.address }, { token, payees });
  const record = readDeploymentFile(home, first.chainId);
  const plan =
    record === undefined
      ? first
      : await estimateDeployment({ rpcUrl, account: account.address }, { resume: record, token, payees });
  if (!json) {
    showPlan(plan, account.address, record === undefined ? undefined : deploymentPath(home, plan.chainId));
  }
  if (plan.contracts.length > 0) {
    requireGas(plan, account.address);
    if (!(yes || (await agreed(plan)))) {
      if (json) {
        console.log(JSON.stringify({ deployed: false, ...plan }, bigintText));
      }
      return 2;
    }
  }
  const ownToken = token === undefined && (record === undefined || record.ownToken);
  const chosen = token ?? (ownToken ? undefined : record?.addresses.testUsd);
  const deployment = await deployContracts(
    { rpcUrl, account },
    {
      feePayees,
      ...(record === undefined ? {} : { resume: record }),
      ...(chosen === undefined ? {} : { token: chosen }),
      async onDeployed(name, soFar) {
        await writeDeploymentFile(home, { ...soFar, ownToken, feePayees });
        if (!json) {
          console.log(`  ✓ ${name} at ${soFar.addresses[name]}`);
        }
      },
    },
  );
  const { chainId, block, addresses } = deployment;
  await writeDeploymentFile(home, { chainId, block, addresses, ownToken, feePayees });
  if (json) {
    console.log(JSON.stringify({ deployed: true, file: deploymentPath(home, chainId), ...deployment }, bigintText));
  } else {
    console.log(`All ${Object.keys(addresses).length} contracts are there: ${deploymentPath(home, chainId)}`);
    console.log(`Check them with: depinfer deploy --verify --rpc-url ${rpcUrl}`);
  }
  return 0;
}

/** `depinfer deploy --verify`: exit code 0 if every contract is what the sources here compile to, else 1. */
export async function verify({
  home,
  json,
  rpcUrl,
}: {
  readonly home: string;
  readonly json: boolean;
  readonly rpcUrl: string | undefined;
}): Promise<number> {
  const { deployment, url, record } = await toVerify(home, rpcUrl);
  const checks = await verifyDeployment(
    { rpcUrl: url, deployment },
    {
      ownToken: record?.ownToken ?? true,
      terms: record === undefined ? undefined : termsOf({ feePayees: record.feePayees }),
    },
  );
  const same = checks.every(({ status }) => status === "ok" || status === "foreign");
  if (json) {
    console.log(JSON.stringify({ same, chainId: deployment.chainId, contracts: checks }));
    return same ? 0 : 1;
  }
  printTable(
    checks.map(({ name, address, status, differences }) => ({
      contract: name,
      address,
      code: status,
      why: differences.join("; "),
    })),
  );
  if (record === undefined) {
    console.log("A local network chooses its own times and amounts: of these only the addresses were compared.");
  }
  console.log(same ? "Every contract is what these sources compile to." : "At least one contract is another.");
  return same ? 0 : 1;
}

async function toVerify(home: string, rpcUrl: string | undefined) {
  if (rpcUrl === undefined) {
    const network = readNetworkFile(homePaths(home).network);
    return { deployment: network.deployment, url: network.rpcUrl, record: undefined };
  }
  const { chainId } = await estimateDeployment({ rpcUrl, account: NOBODY }, { payees: 1 });
  const record = readDeploymentFile(home, chainId);
  if (record !== undefined) {
    return { deployment: whole(record, chainId), url: rpcUrl, record };
  }
  const { network } = homePaths(home);
  const local = existsSync(network) ? readNetworkFile(network).deployment : undefined;
  if (local?.chainId !== chainId) {
    throw new DepinferError({
      code: "deploy.noRecord",
      message: `This home knows of no deployment on chain ${chainId}`,
      remedy: `Deploy first, or put the record of a deployment at ${deploymentPath(home, chainId)}`,
      metadata: { chainId },
    });
  }
  return { deployment: local, url: rpcUrl, record: undefined };
}

const NOBODY: Hex = `0x${"0".repeat(40)}`;

function whole({ block, addresses }: { block: number; addresses: object }, chainId: number): Deployment {
  return parseDeployment({ chainId, block, addresses });
}

function showPlan(plan: DeploymentEstimate, account: Hex, record: string | undefined): void {
  const reused = Object.keys(plan.reused).length;
  if (record !== undefined && reused > 0) {
    console.log(`Going on with ${record}: ${reused} contracts are there already.`);
  }
  if (plan.contracts.length === 0) {
    return;
  }
  console.log(`On chain ${plan.chainId}, from ${account}, which holds ${ether(plan.balance)} of gas money:\n`);
  printTable([
    ...plan.contracts.map(({ name, bytes, gas }) => ({
      contract: name,
      bytes: String(bytes),
      gas: gas.toString(),
      cost: ether(gas * plan.gasPrice),
    })),
    { contract: "together", bytes: "", gas: plan.gas.toString(), cost: ether(plan.cost) },
  ]);
  console.log("\nNobody will own these contracts, and nothing in them can be changed or paused afterwards.");
  if (plan.reused.testUsd === undefined) {
    console.log(
      "Warning: the token is a TEST token without value, which anyone can mint. For real money pass --token.",
    );
  }
}

function requireGas({ balance, cost }: DeploymentEstimate, account: Hex): void {
  if (balance < cost) {
    throw new DepinferError({
      code: "deploy.noGas",
      message: `The account ${account} holds ${ether(balance)} of gas money, and deploying costs about ${ether(cost)}`,
      remedy: "Send it the difference and some more, since prices move",
      metadata: { account, balance: balance.toString(), cost: cost.toString() },
    });
  }
}

async function agreed({ contracts }: DeploymentEstimate): Promise<boolean> {
  if (!stdin.isTTY) {
    console.error("Nothing was deployed: pass --yes to agree.");
    return false;
  }
  const lines = createInterface({ input: stdin, output: stdout });
  const answer = await lines.question(`Make these ${contracts.length} contracts? (yes/no) `);
  lines.close();
  return answer.trim().toLowerCase() === "yes";
}

/** Wei as units of 1e18 with what matters of their digits. */
function ether(wei: bigint): string {
  return `${(Number(wei) / 1e18).toPrecision(4)} ETH`;
}

function bigintText(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}
