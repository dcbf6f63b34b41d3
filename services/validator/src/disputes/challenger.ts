import type { Chain } from "@depinfer/chain";
import { errorCode, errorMessage, type Log, signedReceiptSchema, transcriptSchema } from "@depinfer/protocol";
import { z } from "zod";
import { challenge } from "./challenge.ts";

/** The part of a receipt file, as gateways and canaries write it, that a dispute needs. */
const failureSchema = z.object({ receipt: signedReceiptSchema, transcript: transcriptSchema });

/** Disputes answers that were found false, with a bond each, one after another. */
export interface Challenger {
  /** Takes a receipt file. One whose dispute is open is gone on with; one that was judged is left alone. */
  take(receiptFile: string): void;
  /** Resolves when everything taken so far is closed or was refused. */
  idle(): Promise<void>;
}

export function createChallenger(chain: Chain, log: Log): Challenger {
  let last: Promise<void> = Promise.resolve();

  async function dispute(receiptFile: string): Promise<void> {
    try {
      const { receipt: signed, transcript } = failureSchema.parse(JSON.parse(receiptFile));
      const state = await challenge(
        chain,
        { signed, transcript },
        { opened: (id) => log("warn", `disputing an answer of ${signed.receipt.provider}`, { id }) },
      );
      log("info", `dispute ${state.id} ended with ${state.outcome ?? "no outcome"}`);
    } catch (error) {
      log("warn", `an answer cannot be disputed: ${errorMessage(error)}`, { code: errorCode(error) });
    }
  }

  return {
    take(receiptFile) {
      last = last.then(() => dispute(receiptFile));
    },
    idle: () => last,
  };
}
