import type { CpuLibrary } from "@depinfer/inference";
import { FALSE_POSITIVE_RATE, type Verdict } from "@depinfer/proof";
import type { Access } from "../gateway-client.ts";
import { loadReceipt } from "../receipt-reference.ts";
import { EXIT_CODES, verify } from "../verification.ts";

export interface VerifyCommandOptions {
  readonly access: Access;
  readonly networkFile: string;
  readonly model?: string;
  readonly cpuLibrary?: CpuLibrary;
  readonly json: boolean;
  /** A second server of the same model, for answers of level `greedy`. */
  readonly against?: string | undefined;
}

/**
 * `depinfer verify RECEIPT`: scores an answer again here. RECEIPT is an id from `x-depinfer-receipt`, or a file with
 * what the gateway answers at `/v1/receipts/ID`. Returns the exit code.
 */
export async function verifyCommand(reference: string, options: VerifyCommandOptions): Promise<number> {
  const file = await loadReceipt(reference, () => options.access);
  const { verdict, milliseconds } = await verify(file, options);
  const { statistic } = verdict;
  if (options.json) {
    console.log(JSON.stringify({ ...verdict, provider: file.provider, model: file.model, milliseconds }));
  } else {
    console.log(`${verdict.verdict.toUpperCase()}  receipt ${verdict.receiptId}`);
    console.log(`  provider   ${file.provider}`);
    console.log(`  model      ${file.model}`);
    console.log(`  ${verdict.reason}`);
    console.log(
      `  tokens     ${statistic.tokens} scored, ${statistic.informative} informative, in ${milliseconds.toFixed(0)} ms`,
    );
    for (const line of strength(verdict)) {
      console.log(`  ${line}`);
    }
  }
  return EXIT_CODES[verdict.verdict];
}

/** What the outcome is worth, in lines. */
function strength({ verdict, pValue, falsePass, tokensNeeded, statistic }: Verdict): string[] {
  const lines = [`statistic  ${statistic.meanMargin.toFixed(6)} nats per informative token`];
  if (pValue !== null && verdict !== "pass") {
    lines.push(
      `honest     at most ${pValue.toExponential(1)} likely; called a failure at ${FALSE_POSITIVE_RATE.toExponential(0)}`,
    );
  }
  if (verdict === "pass" && falsePass !== null) {
    lines.push(
      `strength   lower precision would have passed these tokens with probability ${falsePass.toPrecision(2)}`,
    );
  }
  if (tokensNeeded !== null) {
    lines.push(`needed     about ${tokensNeeded} more informative tokens of this provider`);
  }
  return lines;
}
