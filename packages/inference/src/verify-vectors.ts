import { promptHash, transcriptRoot, type Verdict } from "@depinfer/proof";
import type { ScoringEngine } from "./engine.ts";
import { countableFaults, type OpenedReceipt, structuralFailure } from "./opened-receipt.ts";

/**
 * Judges vectors by computing them again: within a runtime class they are the same in every bit, so nothing is left to
 * chance and no statistic is needed.
 */
export async function verifyVectors(engine: ScoringEngine, opened: OpenedReceipt): Promise<Verdict> {
  const { receipt, receiptId, transcript, generation, levelFaults } = opened;
  const prompt = engine.prompt(generation);
  const faults = [
    ...levelFaults,
    ...countableFaults(opened, {
      promptTokens: prompt.tokens.length,
      outputTokens: 0,
      promptHash: promptHash(prompt.tokens),
      transcriptRoot: transcriptRoot([]),
    }),
  ];
  const { text } = await engine.generate(
    { generation, prompt, seed: new Uint8Array(32), maxTokens: 1 },
    () => undefined,
  );
  if (receipt.stopReason === "cancelled" ? !text.startsWith(transcript.text) : text !== transcript.text) {
    faults.push("the vectors are not those that this model gives for these inputs");
  } else if (receipt.stopReason !== "end" && receipt.stopReason !== "cancelled") {
    faults.push(`vectors do not end by ${receipt.stopReason}`);
  }
  return faults.length > 0
    ? structuralFailure(opened, faults)
    : {
        verdict: "pass",
        reason: "every vector is the same in every bit",
        receiptId,
        statistic: { tokens: 0, informative: 0, mismatches: 0, meanMargin: 0, margins: [] },
        pValue: null,
        falsePass: null,
        tokensNeeded: null,
      };
}
