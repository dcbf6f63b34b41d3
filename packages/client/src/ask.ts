import type { AuditFlag, Endpoint, Hex, MicroUsd } from "@depinfer/protocol";
import type { Policy } from "./route.ts";

/** A pass that pays for a request, and what it pays. */
export interface AskPass {
  readonly id: bigint;
  /** Units per million tokens, whether they are of the prompt, cached or of the answer. */
  readonly unitsPerMillion: MicroUsd;
}

/** One request of an app, after the gateway has validated it. */
export interface Ask {
  readonly endpoint: Endpoint;
  /** The app's JSON, byte for byte. */
  readonly body: Uint8Array;
  /** The app's limit, or null for the buyer's default. */
  readonly maxTokens: number | null;
  readonly policy: Policy;
  /** Which of several answers to the same body, from 0; one of them when it is missing. */
  readonly choice?: number;
  readonly audit: AuditFlag;
  /** Whose budget pays. */
  readonly account: string;
  /** Most that the account may spend in all, in units; no limit when it is missing or null. */
  readonly budget?: MicroUsd | null;
  /** The pass that pays instead of the wallet; the wallet when it is missing or null. */
  readonly pass?: AskPass | null;
  /**
   * Called for each provider that is about to be asked, before the request is written down. What is recorded in the buyer's
   * journal by then is durable no later than the request, so a crash cannot leave one without the other.
   */
  readonly onBegun?: (requestId: Hex) => void;
}
