import { type Chain, type Preview, previewOf, type WriteResult } from "@depinfer/chain";
import type { Purse } from "./wallets.ts";

/** One transaction, in words and in code. */
export interface Step {
  /** What it does, for people: "deposit $5.00 into Channels". */
  readonly what: string;
  send(chain: Chain): Promise<WriteResult>;
}

/** One transaction as it was done. */
export interface Done {
  readonly service: string;
  readonly what: string;
  readonly tx: string | null;
  readonly gas: string;
  /** Wei: paid, or estimated if nothing was sent. */
  readonly fee: string;
}

export interface PerformOptions {
  /** Show what would be done, and send nothing. */
  readonly dryRun: boolean;
  readonly json: boolean;
}

/**
 * Does one transaction: says what will happen and about what it costs, sends it, and says what it cost. With `dryRun`
 * it stops before sending. A transaction that the contract would refuse is not sent.
 */
export async function perform(purse: Purse, step: Step, { dryRun, json }: PerformOptions): Promise<Done> {
  const { gas, fee } = await previewOf(() => step.send(purse.preview));
  const say = (text: string) => (json ? undefined : console.log(text));
  say(`${purse.service}: ${step.what}`);
  say(`  fee about ${formatGas({ gas, fee })}`);
  if (dryRun) {
    say("  not sent (--dry-run)");
    return { service: purse.service, what: step.what, tx: null, gas: gas.toString(), fee: fee.toString() };
  }
  const sent = await step.send(purse.chain);
  const paid = await purse.chain.feeOf(sent.hash);
  say(`  transaction ${sent.hash}, fee ${formatGas({ gas: sent.gasUsed, fee: paid })}`);
  return { service: purse.service, what: step.what, tx: sent.hash, gas: sent.gasUsed.toString(), fee: paid.toString() };
}

const WEI_DIGITS = 18;

/** `0.000101 ETH (50,512 gas)`. The coin's name differs between chains; ETH stands for the chain's own. */
export function formatGas({ gas, fee }: Preview): string {
  const digits = fee.toString().padStart(WEI_DIGITS + 1, "0");
  const fraction = digits.slice(-WEI_DIGITS).replace(/0+$/, "");
  const significant = fraction.replace(/^(0*\d{0,3}).*$/, "$1");
  return `${digits.slice(0, -WEI_DIGITS)}.${significant === "" ? "0" : significant} ETH (${gas.toLocaleString("en")} gas)`;
}
