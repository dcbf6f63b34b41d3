import { readFileSync } from "node:fs";
import { DepinferError, errorMessage, type Offer } from "@depinfer/protocol";
import { z } from "zod";

export interface QuoteCheckOptions {
  /** Let SIMULATED attestation pass for attested. */
  readonly allowSimulatedAttestation: boolean;
  /** JSON file that names the images of trusted domains that are accepted; no image is without it. */
  readonly images?: string;
  /** PCCS server from which the collateral of quotes is fetched; the library's default without it. */
  readonly pccs?: string;
}

const register = z.string().regex(/^[0-9a-fA-F]{96}$/, "expected 48 bytes in hexadecimal digits");
const imageList = z
  .array(z.strictObject({ name: z.string().min(1), mrTd: register, rtMr: z.array(register).max(4).optional() }))
  .transform((images) => images.map(({ name, mrTd, rtMr = [] }) => ({ name, mrTd, rtMr })));

/**
 * What is wrong with the quote in an offer; undefined when no quote is accepted anyway.
 *
 * @throws DepinferError `attestation.badImages`.
 */
export async function quoteChecker({
  allowSimulatedAttestation,
  images,
  pccs,
}: QuoteCheckOptions): Promise<((offer: Offer) => string | undefined) | undefined> {
  if (images === undefined && !allowSimulatedAttestation) {
    return undefined;
  }
  const { createAttestationChecker, fetchCollateral, SIMULATED_IMAGE } = await import(
    "@depinfer/inference/attestation"
  );
  const checker = createAttestationChecker(
    { collateral: (quote) => fetchCollateral(quote, pccs), now: () => Date.now() },
    {
      images: images === undefined ? [] : readImages(images),
      simulatedImages: allowSimulatedAttestation ? [SIMULATED_IMAGE] : [],
    },
  );
  return checker.fault;
}

function readImages(path: string): z.output<typeof imageList> {
  try {
    return imageList.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    throw new DepinferError({
      code: "attestation.badImages",
      message: `The list of accepted images ${path} cannot be read: ${errorMessage(cause)}`,
      remedy: 'Write a JSON array of {"name", "mrTd", "rtMr"}, registers as 96 hexadecimal digits',
      metadata: { path },
      cause,
    });
  }
}
