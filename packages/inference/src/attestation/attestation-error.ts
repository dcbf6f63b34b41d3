import { DepinferError, type ErrorMetadata } from "@depinfer/protocol";

const REMEDIES = {
  malformed: "Get the quote and its collateral again; one of them is damaged or of another kind",
  collateralExpired: "Fetch the collateral of the quote's platform again",
  notGenuine: "Do not trust this engine; no hardware that Intel vouches for made the quote",
  revoked: "Do not trust this engine; its platform's keys have been withdrawn",
  debug: "Do not trust this engine; a domain in debug mode can be read and changed from outside",
  outdated: "Ask the operator to update firmware, or accept the status by name",
  wrongReportData: "Ask for a quote over this class, this receipt key and this nonce",
  wrongMeasurement: "Compare the image with those that you accept; this one is another program",
  simulated: "Accept it with --allow-simulated-attestation, in tests only",
} as const;

export type AttestationFault = keyof typeof REMEDIES;

/** An error `attestation.*`: why a quote proves nothing. */
export function attestationError(
  fault: AttestationFault,
  message: string,
  options: { readonly metadata?: ErrorMetadata; readonly cause?: unknown } = {},
): DepinferError {
  return new DepinferError({ code: `attestation.${fault}`, message, remedy: REMEDIES[fault], ...options });
}
