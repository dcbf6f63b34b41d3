import { createHash } from "node:crypto";
import { DepinferError, errorMessage, type Offer } from "@depinfer/protocol";
import type { z } from "zod";
import type { AttestedSubject } from "./report-data.ts";
import { verifySimulatedQuote } from "./simulated.ts";
import { type collateralSchema, type TdxPolicy, verifyTdxQuote } from "./tdx.ts";

export interface AttestationCheckerModules {
  /** Collateral for a quote, from a PCCS server say. */
  readonly collateral: (quote: Uint8Array) => Promise<z.input<typeof collateralSchema>>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface AttestationPolicy extends TdxPolicy {
  /** Images of SIMULATED domains that are accepted where a buyer allows simulation at all. */
  readonly simulatedImages: readonly string[];
}

/** Checks the quotes of offers, beside the request path. */
export interface AttestationChecker {
  /** What is wrong with an offer's quote as far as is known, or undefined when it is right. Starts what is missing. */
  fault(offer: Offer): string | undefined;
  /** Resolves when the offer's quote has been checked. */
  settled(offer: Offer): Promise<void>;
}

interface Checked {
  fault: string | undefined;
  readonly at: number;
  readonly done: Promise<void>;
}

/** Collateral is renewed by the month and revoked at any time; a result is not relied on for longer than this. */
const HOLDS_MS = 10 * 60 * 1000;
/** An offer is 16 KiB at most and a peer has few; above this somebody is making them up. */
const MOST_RESULTS = 1_000;

export function createAttestationChecker(
  { collateral, now }: AttestationCheckerModules,
  policy: AttestationPolicy,
): AttestationChecker {
  const results = new Map<string, Checked>();

  function check(offer: Offer): Checked {
    const key = keyOf(offer);
    const known = results.get(key);
    if (known !== undefined && now() - known.at < HOLDS_MS) {
      return known;
    }
    const checked: Checked = {
      fault: "it is being checked",
      at: now(),
      done: faultOf(offer).then((fault) => {
        checked.fault = fault;
      }),
    };
    results.delete(key);
    results.set(key, checked);
    for (const oldest of results.keys()) {
      if (results.size <= MOST_RESULTS) {
        break;
      }
      results.delete(oldest);
    }
    return checked;
  }

  async function faultOf({ attestation, classId, receiptKey }: Offer): Promise<string | undefined> {
    if (attestation === undefined) {
      return "there is none";
    }
    const quote = Buffer.from(attestation.quote, "base64");
    const subject: AttestedSubject = { classId, receiptKey, nonce: attestation.nonce };
    try {
      if (attestation.kind === "SIMULATED") {
        verifySimulatedQuote(quote, subject, policy.simulatedImages);
      } else {
        verifyTdxQuote(quote, await collateral(quote), subject, policy, now());
      }
      return undefined;
    } catch (error) {
      return error instanceof DepinferError ? error.message : `it could not be checked: ${errorMessage(error)}`;
    }
  }

  return {
    fault: (offer) => check(offer).fault,
    settled: (offer) => check(offer).done,
  };
}

function keyOf({ classId, receiptKey, attestation }: Offer): string {
  return createHash("sha256")
    .update(JSON.stringify([classId, receiptKey, attestation ?? null]))
    .digest("hex");
}
