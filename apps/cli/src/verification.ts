import { createChain, recoverAddress } from "@depinfer/chain";
import { type CpuLibrary, createLlamaEngine, verifyReceipt } from "@depinfer/inference";
import type { Verdict } from "@depinfer/proof";
import { DepinferError, type Hex, runtimeClassSchema, signedReceiptSchema, transcriptSchema } from "@depinfer/protocol";
import { z } from "zod";
import { readCalibration } from "./calibration-file.ts";
import { resolveModel } from "./model-file.ts";
import { readNetworkFile } from "./network-file.ts";

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

export interface VerifyOptions {
  /** Path of the network's file; calibrations that were made here lie beside it. */
  readonly networkFile: string;
  readonly model?: string | undefined;
  readonly cpuLibrary?: CpuLibrary | undefined;
}

export interface Verification {
  readonly verdict: Verdict;
  readonly receiptKey: Hex;
  readonly milliseconds: number;
}

/**
 * Scores an answer again on this machine.
 *
 * @throws DepinferError `verify.noReceipt`, `provider.notRegistered`, and what `verifyReceipt` throws.
 */
export async function verify(
  file: ReceiptFile,
  { networkFile, model, cpuLibrary }: VerifyOptions,
): Promise<Verification> {
  const network = readNetworkFile(networkFile);
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
  const engine = await createLlamaEngine({
    modelPath: await resolveModel(model),
    ...(cpuLibrary === undefined ? {} : { cpuLibrary }),
  });
  try {
    const binding = { chainId: network.deployment.chainId, verifyingContract: network.deployment.addresses.receiptLog };
    const started = performance.now();
    const verdict = await verifyReceipt(
      { engine, recoverAddress },
      {
        signed,
        transcript,
        binding,
        receiptKey: operator.receiptKey,
        calibration: readCalibration(networkFile, engine.description.classId),
        ...(runtimeClass === null || runtimeClass === undefined ? {} : { runtimeClass }),
      },
    );
    return { verdict, receiptKey: operator.receiptKey, milliseconds: performance.now() - started };
  } finally {
    await engine.dispose();
  }
}

export const EXIT_CODES = { pass: 0, fail: 1, inconclusive: 2 } as const;
