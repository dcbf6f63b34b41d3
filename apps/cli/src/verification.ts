import { createChain } from "@depinfer/chain";
import type { Verdict } from "@depinfer/proof";
import { DepinferError, type Hex, runtimeClassSchema, signedReceiptSchema, transcriptSchema } from "@depinfer/protocol";
import { z } from "zod";
import { readNetworkFile } from "./network-file.ts";
import { type JudgeOptions, judgeByLevel } from "./verify-by-level.ts";

/** What a gateway tells about one answer: everything needed to check it. */
export const receiptFileSchema = z.object({
  id: z.string(),
  state: z.string(),
  fault: z.string().nullable(),
  model: z.string(),
  provider: z.string(),
  cost: z.string(),
  receipt: signedReceiptSchema.nullable(),
  transcript: transcriptSchema.nullable(),
  /** What stands behind the receipt's class, where the provider shows it; level `greedy` needs it. */
  runtimeClass: runtimeClassSchema.nullish(),
});
export type ReceiptFile = z.output<typeof receiptFileSchema>;

export interface Verification {
  readonly verdict: Verdict;
  readonly receiptKey: Hex;
  readonly milliseconds: number;
}

/**
 * Judges an answer again from this machine.
 *
 * @throws DepinferError `verify.noReceipt`, `provider.notRegistered`, and what `judgeByLevel` throws.
 */
export async function verify(file: ReceiptFile, options: JudgeOptions): Promise<Verification> {
  const network = readNetworkFile(options.networkFile);
  const { receipt: signed, transcript, runtimeClass } = file;
  if (signed === null || transcript === null) {
    throw new DepinferError({
      code: "verify.noReceipt",
      message: `Request ${file.id} has no receipt to verify; its state is "${file.state}"${file.fault === null ? "" : ` (${file.fault})`}`,
      remedy: "Verify a request that was answered",
    });
  }
  const chain = createChain(network);
  const operator = await chain.registry.byOperator(signed.receipt.provider);
  if (operator === undefined) {
    throw new DepinferError({
      code: "provider.notRegistered",
      message: `The registry does not know the provider ${signed.receipt.provider}`,
      remedy: "Check that the receipt belongs to this network",
    });
  }
  const binding = { chainId: network.deployment.chainId, verifyingContract: network.deployment.addresses.receiptLog };
  const started = performance.now();
  const { receiptKey } = operator;
  const verdict = await judgeByLevel({ signed, transcript, binding, receiptKey }, runtimeClass ?? undefined, options);
  return { verdict, receiptKey, milliseconds: performance.now() - started };
}

export const EXIT_CODES = { pass: 0, fail: 1, inconclusive: 2 } as const;
