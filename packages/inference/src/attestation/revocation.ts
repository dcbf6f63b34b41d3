import { verify, type X509Certificate } from "node:crypto";
import { errorMessage } from "@depinfer/protocol";
import { attestationError } from "./attestation-error.ts";
import { DER, derElements, derTime } from "./der.ts";

/*
 * Certificate revocation lists (RFC 5280, section 5). The library that checks quotes compares serial numbers and takes
 * any list, also one that is empty, old or signed by nobody. Collateral may come from the attested machine itself, so
 * each list has to be its authority's own, and current.
 */

export interface RevocationList {
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  /** Serial numbers in upper-case hexadecimal digits without leading zeros. */
  readonly revoked: ReadonlySet<string>;
  /** Whether this key signed it. */
  signedBy(authority: X509Certificate): boolean;
}

/** @throws DepinferError `attestation.malformed`. */
export function parseRevocationList(der: Uint8Array, name: string): RevocationList {
  try {
    const [list] = derElements(der);
    const [signed, , signature] = derElements(list?.content ?? der);
    if (signed === undefined || signature === undefined || signature.tag !== DER.bitString) {
      throw new RangeError("it has no signature");
    }
    const parts = derElements(signed.content);
    const times = parts.filter(({ tag }) => tag === DER.utcTime || tag === DER.generalizedTime).map(derTime);
    const [thisUpdate, nextUpdate] = times;
    if (thisUpdate === undefined || nextUpdate === undefined) {
      throw new RangeError("it does not say until when it holds");
    }
    // The entries are the one sequence behind the times; the others stand before them.
    const last = parts.findLastIndex(({ tag }) => tag === DER.utcTime || tag === DER.generalizedTime);
    const entries = parts.slice(last + 1).find(({ tag }) => tag === DER.sequence);
    const serials = derElements(entries?.content ?? new Uint8Array()).map(
      ({ content }) => derElements(content)[0]?.content ?? new Uint8Array(),
    );
    return {
      thisUpdate,
      nextUpdate,
      revoked: new Set(serials.map((serial) => normal(Buffer.from(serial).toString("hex")))),
      // The first byte of a bit string counts the bits that do not matter.
      signedBy: ({ publicKey }) => verify("sha256", signed.whole, publicKey, signature.content.subarray(1)),
    };
  } catch (cause) {
    throw attestationError("malformed", `The revocation list of ${name} cannot be read: ${errorMessage(cause)}`, {
      cause,
    });
  }
}

/**
 * @throws DepinferError `attestation.collateralExpired`, `attestation.notGenuine` for a list of somebody else, or
 *   `attestation.revoked`.
 */
export function checkNotRevoked(
  list: RevocationList,
  name: string,
  authority: X509Certificate,
  certificates: readonly X509Certificate[],
  now: number,
): void {
  if (now < list.thisUpdate || now > list.nextUpdate) {
    const until = new Date(list.nextUpdate).toISOString();
    throw attestationError("collateralExpired", `The revocation list of ${name} holds until ${until}`, {
      metadata: { until },
    });
  }
  if (!list.signedBy(authority)) {
    throw attestationError("notGenuine", `The revocation list of ${name} was not signed by that authority`);
  }
  const found = certificates.find(({ serialNumber }) => list.revoked.has(normal(serialNumber)));
  if (found !== undefined) {
    throw attestationError("revoked", `The certificate ${found.serialNumber} of ${name} was revoked`, {
      metadata: { serial: found.serialNumber },
    });
  }
}

function normal(serial: string): string {
  return serial.toUpperCase().replace(/^0+(?=.)/, "");
}
