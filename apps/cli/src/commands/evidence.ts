import { AUDIT_CONTRACTS, auditEvents, type Chain, createChain } from "@depinfer/chain";
import { type AuditRecord, type ClassRecord, createAuditRecord, type ProviderRecord } from "@depinfer/proof";
import { addressSchema, DepinferError, type Hex } from "@depinfer/protocol";
import { auditRulesOf } from "../audit-rules.ts";
import { readNetworkFile } from "../network-file.ts";
import { EXIT_CODES } from "../verification.ts";

export interface EvidenceCommandOptions {
  readonly networkFile: string;
  readonly json: boolean;
}

/**
 * `depinfer evidence PROVIDER`: what all audits together say of a provider, added up here from the chain's events alone.
 * Returns the exit code: 0 where every class is passed, 1 where one is failed, 2 otherwise.
 *
 * @throws DepinferError `evidence.badProvider` or `evidence.notAProvider`.
 */
export async function evidenceCommand(
  reference: string,
  { networkFile, json }: EvidenceCommandOptions,
): Promise<number> {
  const parsed = addressSchema.safeParse(reference);
  if (!parsed.success) {
    throw new DepinferError({
      code: "evidence.badProvider",
      message: `${JSON.stringify(reference)} is no provider's account`,
      remedy: "Pass an account as `depinfer providers` shows it, 0x and 40 digits",
      metadata: { reference },
    });
  }
  const provider = parsed.data;
  const network = readNetworkFile(networkFile);
  const chain = createChain(network);
  const audits = createAuditRecord(auditRulesOf(network));
  const block = await readAll(chain, audits);
  const record = audits.provider(provider);
  if (record.ordinal === null) {
    throw new DepinferError({
      code: "evidence.notAProvider",
      message: `${provider} never registered as a provider, up to block ${block}`,
      remedy: "Check the account and the network with `depinfer providers`",
      metadata: { provider, block: Number(block) },
    });
  }
  if (json) {
    console.log(JSON.stringify({ provider, block: Number(block), ...record }));
  } else {
    print(provider, block, record);
  }
  return EXIT_CODES[outcomeOf(record.classes)];
}

/** Reads the chain from the deployment to its head; returns the last block. */
async function readAll(chain: Chain, audits: AuditRecord): Promise<bigint> {
  const head = await chain.blockNumber();
  const done = new AbortController();
  let failure: unknown = null;
  await chain.follow({
    fromBlock: BigInt(chain.deployment.block),
    signal: done.signal,
    contracts: AUDIT_CONTRACTS,
    onError(error) {
      failure = error;
      done.abort();
    },
    onLogs({ fromBlock, toBlock, events }) {
      audits.take(Number(fromBlock), auditEvents(events));
      if (toBlock >= head) {
        done.abort();
      }
    },
  });
  if (failure !== null) {
    throw failure;
  }
  return head;
}

function outcomeOf(classes: readonly ClassRecord[]): keyof typeof EXIT_CODES {
  const outcomes = classes.map(({ outcome }) => outcome?.outcome ?? "inconclusive");
  if (outcomes.includes("fail")) {
    return "fail";
  }
  return outcomes.length > 0 && outcomes.every((outcome) => outcome === "pass") ? "pass" : "inconclusive";
}

function print(provider: Hex, block: bigint, record: ProviderRecord): void {
  console.log(`${outcomeOf(record.classes).toUpperCase()}  provider ${provider}, up to block ${block}`);
  const audited = `${(100 * record.rate).toFixed(1)} %`;
  console.log(
    `  provider   number ${record.ordinal} to register, ${record.passes} audits passed, next share ${audited}`,
  );
  for (const { classId, state, outcome } of record.classes) {
    console.log(`  class      ${classId}`);
    console.log(
      `    audits   ${state.verdicts} receipts, ${state.tokens} informative tokens, ${state.mismatches} mismatches, ${(state.marginMicros / 1e6).toFixed(4)} nats of margin`,
    );
    console.log(
      outcome === null
        ? "    evidence nobody has measured this class, so it cannot be told how often an honest provider differs"
        : `    evidence ${outcome.outcome}: against it 10^${power(outcome.logEvidence)}, 10^${power(outcome.failAt)} convicts; for it 10^${power(outcome.logCleared)}, 10^${power(outcome.passAt)} clears`,
    );
  }
  const uncounted = Object.entries(record.uncounted).filter(([, count]) => count > 0);
  if (uncounted.length > 0) {
    console.log(`  not counted ${uncounted.map(([reason, count]) => `${count} ${reason}`).join(", ")}`);
  }
}

function power(log: number): string {
  return (log / Math.LN10).toFixed(1);
}
