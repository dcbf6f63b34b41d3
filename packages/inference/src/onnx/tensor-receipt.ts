import { textHash } from "@depinfer/proof";
import { type NamedTensors, type Receipt, tensorsHash, tensorWords } from "@depinfer/protocol";

/** The fields of a receipt that speak of content, for tensors: hashes of inputs and outputs, words of four bytes, no text. */
export function tensorReceiptFields(
  inputs: NamedTensors,
  outputs: NamedTensors,
): Pick<
  Receipt,
  | "promptHash"
  | "transcriptRoot"
  | "textHash"
  | "promptTokens"
  | "cachedTokens"
  | "outputTokens"
  | "stopReason"
  | "proofLevel"
> {
  return {
    promptHash: tensorsHash(inputs),
    transcriptRoot: tensorsHash(outputs),
    textHash: textHash(""),
    promptTokens: tensorWords(inputs),
    cachedTokens: 0,
    outputTokens: tensorWords(outputs),
    stopReason: "end",
    proofLevel: "replay",
  };
}
