import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { errorMessage, utf8 } from "@depinfer/protocol";
import { z } from "zod";
import { attestationError } from "./attestation-error.ts";
import { type AttestedSubject, reportData } from "./report-data.ts";

/*
 * SIMULATED attestation, for machines without the hardware. Its quotes are JSON under a signature of another kind by a
 * key that everybody has, so that no code can take one for a quote of hardware, nor anybody believe in one.
 */

/** Image of the providers that simulate: what a demonstration accepts. */
export const SIMULATED_IMAGE = "depinfer provider, SIMULATED";

const FORMAT = "depinfer/SIMULATED-quote/1";
/** Public on purpose: 32 bytes of Ed25519 seed, the SHA-256 of nothing. */
const SEED = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const PKCS8_ED25519 = "302e020100300506032b657004220420";

const privateKey = createPrivateKey({
  key: Buffer.from(PKCS8_ED25519 + SEED, "hex"),
  format: "der",
  type: "pkcs8",
});

const simulatedQuote = z.strictObject({
  format: z.literal(FORMAT),
  warning: z.string(),
  image: z.string().min(1).max(200),
  debug: z.boolean(),
  reportData: z.string().regex(/^[0-9a-f]{128}$/),
  signature: z.string().regex(/^[0-9a-f]{128}$/),
});

const signedBytes = (image: string, debug: boolean, data: string) =>
  utf8(`${FORMAT}\n${JSON.stringify([image, debug, data])}`);

export interface SimulatedDomain {
  /** Stands for a measurement. */
  readonly image: string;
  readonly debug?: boolean;
}

/** A SIMULATED quote over the subject. It proves nothing. */
export function simulateQuote({ image, debug = false }: SimulatedDomain, subject: AttestedSubject): Uint8Array {
  const data = Buffer.from(reportData(subject)).toString("hex");
  const signature = sign(null, signedBytes(image, debug, data), privateKey).toString("hex");
  return utf8(
    JSON.stringify({
      format: FORMAT,
      warning: "SIMULATED: no hardware stands behind this quote",
      image,
      debug,
      reportData: data,
      signature,
    }),
  );
}

/**
 * Checks a SIMULATED quote as `verifyTdxQuote` checks a real one. Returns the image's name.
 *
 * @throws DepinferError `attestation.malformed`, `.notGenuine`, `.debug`, `.wrongReportData` or `.wrongMeasurement`.
 */
export function verifySimulatedQuote(quote: Uint8Array, subject: AttestedSubject, images: readonly string[]): string {
  const { image, debug, reportData: found, signature } = parse(quote);
  const publicKey = createPublicKey(privateKey);
  if (!verify(null, signedBytes(image, debug, found), publicKey, Buffer.from(signature, "hex"))) {
    throw attestationError("notGenuine", "The SIMULATED quote was changed after it was made");
  }
  if (debug) {
    throw attestationError("debug", "The SIMULATED domain is in debug mode");
  }
  const wanted = Buffer.from(reportData(subject)).toString("hex");
  if (found !== wanted) {
    throw attestationError("wrongReportData", "The SIMULATED quote speaks of another class, key or nonce", {
      metadata: { found, wanted },
    });
  }
  if (!images.includes(image)) {
    throw attestationError("wrongMeasurement", `The SIMULATED image ${JSON.stringify(image)} is not an accepted one`, {
      metadata: { image },
    });
  }
  return image;
}

function parse(quote: Uint8Array): z.output<typeof simulatedQuote> {
  try {
    return simulatedQuote.parse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(quote)));
  } catch (cause) {
    throw attestationError("malformed", `The SIMULATED quote cannot be read: ${errorMessage(cause).slice(0, 200)}`, {
      cause,
    });
  }
}
