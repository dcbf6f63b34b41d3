import { existsSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { FEE_SHARES, PartialDeployment } from "@depinfer/chain";
import { addressSchema, DepinferError, errorMessage } from "@depinfer/protocol";
import { z } from "zod";
import { writeWhole } from "./network-file.ts";

/** A deployment of this home on one chain, finished or broken off. */
export interface RecordedDeployment extends PartialDeployment {
  /** Whether the token is the test token, made with the rest. */
  readonly ownToken: boolean;
  readonly feePayees: FeePayees;
}

export type FeePayees = Readonly<Partial<Record<keyof typeof FEE_SHARES, `0x${string}`>>>;

const address = addressSchema.optional();
const schema = z.object({
  chainId: z.int().positive(),
  block: z.int().nonnegative(),
  ownToken: z.boolean(),
  feePayees: z.object({
    auditors: address,
    liquidity: address,
    publicGoods: address,
    frontEnd: address,
    insurance: address,
  }),
  addresses: z.object({
    testUsd: address,
    channels: address,
    providerRegistry: address,
    stakeVault: address,
    validatorSet: address,
    receiptLog: address,
    disputes: address,
    refundInsurance: address,
    feeSplitter: address,
    passes: address,
  }),
});

export function deploymentPath(home: string, chainId: number): string {
  return join(home, "deployments", `${chainId}.json`);
}

/** @throws DepinferError `deploy.badRecord`. */
export function readDeploymentFile(home: string, chainId: number): RecordedDeployment | undefined {
  const path = deploymentPath(home, chainId);
  if (!existsSync(path)) {
    return undefined;
  }
  try {
    const { addresses, feePayees, ...others } = schema.parse(JSON.parse(readFileSync(path, "utf8")));
    return { ...others, addresses: given(addresses), feePayees: given(feePayees) };
  } catch (cause) {
    throw new DepinferError({
      code: "deploy.badRecord",
      message: `The record ${path} cannot be used: ${errorMessage(cause)}`,
      remedy: "Repair it or move it away; without it a deployment starts from the beginning",
      metadata: { path },
      cause,
    });
  }
}

export async function writeDeploymentFile(home: string, record: RecordedDeployment): Promise<void> {
  const path = deploymentPath(home, record.chainId);
  await mkdir(dirname(path), { recursive: true });
  await writeWhole(path, `${JSON.stringify(record, null, 2)}\n`);
}

/** The members that have a value: an absent one is no member that is undefined. */
function given<K extends string, V>(
  members: Readonly<Partial<Record<K, V | undefined>>>,
): Partial<Record<K, Exclude<V, undefined>>>;
function given(members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
