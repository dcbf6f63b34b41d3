import type { Hex } from "@depinfer/protocol";
import { type Abi, isHex } from "viem";
import { ABIS, CONTRACT_NAMES, type ContractName } from "./abi.ts";
import { RUNTIME } from "./bytecode/runtime.ts";
import { CREATION, feeShares } from "./deploy-plan.ts";
import type { DeployTerms } from "./deploy-terms.ts";
import type { Deployment } from "./deployment.ts";
import { createRpc, type Rpc } from "./rpc.ts";

/** How one contract of a deployment compares with these sources. */
export interface ContractCheck {
  readonly name: ContractName;
  readonly address: Hex;
  /** `foreign`: a stable coin of somebody else, which no source here can vouch for. */
  readonly status: "ok" | "different" | "missing" | "foreign";
  /** What differs; empty when nothing does. */
  readonly differences: readonly string[];
}

/**
 * Compares every contract of a deployment with what the committed sources compile to: the code byte by byte but for the
 * words that the constructor writes, then what the constructor was given, as that very code shows it.
 *
 * @param terms What it should have been made with; the addresses among the contracts are always checked.
 */
export async function verifyDeployment(
  { rpcUrl, deployment }: { readonly rpcUrl: string; readonly deployment: Deployment },
  { terms, ownToken }: { readonly terms?: DeployTerms | undefined; readonly ownToken: boolean },
): Promise<readonly ContractCheck[]> {
  const rpc = createRpc(rpcUrl);
  const expected = expectations(deployment, terms);
  return Promise.all(
    CONTRACT_NAMES.map(async (name): Promise<ContractCheck> => {
      const address = deployment.addresses[name];
      const code = await rpc.ask("verify", (client) => client.getCode({ address }));
      if (code === undefined || code === "0x") {
        return { name, address, status: "missing", differences: ["there is no code"] };
      }
      if (name === "testUsd" && !ownToken) {
        return { name, address, status: "foreign", differences: [] };
      }
      const difference = codeDifference(name, code);
      const differences =
        difference === undefined ? await valueDifferences(rpc, name, address, expected[name]) : [difference];
      return { name, address, status: differences.length === 0 ? "ok" : "different", differences };
    }),
  );
}

/** What getters of a contract must return: addresses in lower case, numbers as bigints. */
type Expectation = Readonly<Record<string, Hex | bigint | undefined>>;

function expectations(
  { addresses }: Deployment,
  terms: DeployTerms | undefined,
): Readonly<Record<ContractName, Expectation>> {
  const number = (value: number | undefined) => (value === undefined ? undefined : BigInt(value));
  const dispute = terms?.disputeTerms;
  const pass = terms?.passTerms;
  const shares =
    terms === undefined
      ? {}
      : Object.fromEntries(
          [...Map.groupBy(feeShares(terms, addresses.refundInsurance), ({ payee }) => payee)].map(([payee, parts]) => [
            `sharesOf ${payee}`,
            BigInt(parts.reduce((sum, { basisPoints }) => sum + basisPoints, 0)),
          ]),
        );
  return {
    testUsd: {},
    channels: { TOKEN: addresses.testUsd, MIN_WITHDRAW_DELAY: number(terms?.minWithdrawDelay) },
    providerRegistry: {},
    stakeVault: {
      TOKEN: addresses.testUsd,
      DISPUTES: addresses.disputes,
      MIN_PER_SLOT: terms?.minPerSlot,
      DISPUTE_WINDOW: number(terms?.disputeWindow),
      UNBOND_DELAY: number(terms?.unbondDelay),
      SINK: terms?.sink,
    },
    validatorSet: {
      REGISTRY: addresses.providerRegistry,
      STAKE_VAULT: addresses.stakeVault,
      MIN_STAKE: terms?.minValidatorStake,
    },
    receiptLog: { REGISTRY: addresses.providerRegistry, VALIDATORS: addresses.validatorSet },
    disputes: {
      TOKEN: addresses.testUsd,
      CHANNELS: addresses.channels,
      RECEIPT_LOG: addresses.receiptLog,
      REGISTRY: addresses.providerRegistry,
      STAKE_VAULT: addresses.stakeVault,
      VALIDATORS: addresses.validatorSet,
      BOND: dispute?.bond,
      APPEAL_BOND: dispute?.appealBond,
      JUROR_SLASH: dispute?.jurorSlash,
      ABSENCE_SLASH: dispute?.absenceSlash,
      SLASH_BPS: number(dispute?.slashBps),
      REPORTER_BPS: number(dispute?.reporterBps),
      JUROR_BPS: number(dispute?.jurorBps),
      JURY: number(dispute?.jury),
      APPEAL_JURY: number(dispute?.appealJury),
      MIN_JURY: number(dispute?.minJury),
      MIN_TOKENS: number(dispute?.minTokens),
      COMMIT_SECONDS: number(dispute?.commitSeconds),
      REVEAL_SECONDS: number(dispute?.revealSeconds),
      APPEAL_SECONDS: number(dispute?.appealSeconds),
      SALT_SECONDS: number(dispute?.saltSeconds),
    },
    refundInsurance: { TOKEN: addresses.testUsd, DISPUTES: addresses.disputes },
    feeSplitter: shares,
    passes: {
      TOKEN: addresses.testUsd,
      CHANNELS: addresses.channels,
      DISPUTES: addresses.disputes,
      STAKE_VAULT: addresses.stakeVault,
      FEE_SPLITTER: addresses.feeSplitter,
      INSURANCE: addresses.refundInsurance,
      WITHDRAW_DELAY: number(terms?.minWithdrawDelay),
      MIN_PERIOD: number(pass?.minPeriod),
      ROOT_WINDOW: number(pass?.rootWindow),
      OBJECTION_WINDOW: number(pass?.objectionWindow),
      CLAIM_WINDOW: number(pass?.claimWindow),
      OBJECTION_BOND: pass?.objectionBond,
    },
  };
}

/** The first byte in which the code on the chain is another than that of these sources. */
function codeDifference(name: ContractName, code: Hex): string | undefined {
  const { offset, length, immutables } = RUNTIME[name];
  const actual = Buffer.from(code.slice(2), "hex");
  const expected = Buffer.from(CREATION[name].slice(2), "hex").subarray(offset, offset + length);
  if (actual.length !== expected.length) {
    return `the code has ${actual.length} bytes, and these sources compile to ${expected.length}`;
  }
  for (const [start, size] of immutables) {
    actual.fill(0, start, start + size);
  }
  const at = actual.findIndex((byte, index) => byte !== expected[index]);
  return at === -1 ? undefined : `the code differs from byte ${at} on`;
}

/** What the code, now known to be ours, says of what its constructor was given. */
async function valueDifferences(
  rpc: Rpc,
  name: ContractName,
  address: Hex,
  expected: Expectation,
): Promise<readonly string[]> {
  const abi: Abi = ABIS[name];
  const found = await Promise.all(
    Object.entries(expected).map(async ([getter, value]) => {
      if (value === undefined) {
        return [];
      }
      const [functionName = getter, ...args] = getter.split(" ");
      const actual = await rpc.ask("verify", (client) => client.readContract({ address, abi, functionName, args }));
      const shown = isHex(actual) ? actual.toLowerCase() : String(actual);
      return shown === String(value) ? [] : [`${getter} is ${shown}, and should be ${value}`];
    }),
  );
  return found.flat();
}
