import { X509Certificate } from "node:crypto";
import { DepinferError, errorMessage } from "@depinfer/protocol";
import {
  type Collateral,
  constants,
  getCollateral,
  PHALA_PCCS_URL,
  Quote,
  QuoteVerifier,
  type TDReport10,
  utils,
} from "@phala/dcap-qvl";
import { z } from "zod";
import { attestationError } from "./attestation-error.ts";
import { type AttestedSubject, reportData } from "./report-data.ts";
import { checkNotRevoked, parseRevocationList } from "./revocation.ts";

/*
 * Intel TDX quotes. The chain of signatures (Intel's root, the platform's key, the quoting enclave, the quote) and the
 * platform's TCB level are checked by a library of the field; what that library takes on trust is checked here: that
 * revocation lists are genuine and current, that Intel made the TDX module, what the quote speaks of, and which program.
 */

const hexBytes = z.string().regex(/^([0-9a-fA-F]{2})+$/);

/** Collateral as PCCS servers give it: certificates and their revocation lists, TCB levels, the enclave's identity. */
export const collateralSchema = z.object({
  pck_crl_issuer_chain: z.string(),
  root_ca_crl: hexBytes,
  pck_crl: hexBytes,
  tcb_info_issuer_chain: z.string(),
  tcb_info: z.string(),
  tcb_info_signature: hexBytes,
  qe_identity_issuer_chain: z.string(),
  qe_identity: z.string(),
  qe_identity_signature: hexBytes,
});

/** A program that is accepted: registers as hexadecimal digits. Those that are left out may be anything. */
export interface AcceptedImage {
  /** Name for people. */
  readonly name: string;
  /** The domain's initial content, 48 bytes. */
  readonly mrTd: string;
  /** What was measured while it started, up to four registers of 48 bytes. */
  readonly rtMr?: readonly string[];
}

export interface TdxPolicy {
  readonly images: readonly AcceptedImage[];
  /** TCB levels that will do; `UpToDate` alone by default. */
  readonly statuses?: readonly string[];
  /** Root that platforms are trusted by, in DER; Intel's by default. Another one is for tests. */
  readonly rootCertificate?: Uint8Array;
}

export interface TdxVerdict {
  readonly image: AcceptedImage;
  /** TCB status of platform and quoting enclave. */
  readonly status: string;
  readonly advisories: readonly string[];
}

/**
 * Checks that genuine hardware, up to date, not in debug mode, runs an accepted image which speaks of this class, this
 * receipt key and this nonce.
 *
 * @param now milliseconds since 1970.
 * @throws DepinferError `attestation.malformed`, `.collateralExpired`, `.notGenuine`, `.revoked`, `.debug`, `.outdated`,
 *   `.wrongReportData` or `.wrongMeasurement`.
 */
export function verifyTdxQuote(
  quote: Uint8Array,
  collateral: z.input<typeof collateralSchema>,
  subject: AttestedSubject,
  { images, statuses = ["UpToDate"], rootCertificate = constants.TRUSTED_ROOT_CA_DER }: TdxPolicy,
  now: number,
): TdxVerdict {
  const parsed = parseQuote(quote);
  const checked = parseCollateral(collateral);
  checkDates(checked, now);
  checkRevocation(parsed.chain, checked, rootCertificate, now);
  const { status, advisories } = verifySignatures(quote, parsed.report, checked, rootCertificate, now);
  checkModule(parsed.report);
  if (!statuses.includes(status)) {
    throw attestationError("outdated", `The platform's TCB status is ${status}, accepted is ${statuses.join(", ")}`, {
      metadata: { status },
    });
  }
  if (!Buffer.from(parsed.report.reportData).equals(Buffer.from(reportData(subject)))) {
    throw attestationError("wrongReportData", "The quote speaks of another class, key or nonce", {
      metadata: { found: hex(parsed.report.reportData), wanted: hex(reportData(subject)) },
    });
  }
  return { image: acceptedImage(parsed.report, images), status, advisories };
}

/**
 * Collateral for a quote from a PCCS server. It needs no trust: everything in it is signed, and checked with the quote.
 *
 * @throws DepinferError `attestation.malformed` when the quote or the server's answer cannot be read.
 */
export async function fetchCollateral(
  quote: Uint8Array,
  server: string = PHALA_PCCS_URL,
): Promise<z.input<typeof collateralSchema>> {
  try {
    return collateralSchema.parse(await getCollateral(server, quote));
  } catch (cause) {
    throw attestationError("malformed", `No collateral came from ${server}: ${errorMessage(cause)}`, { cause });
  }
}

function parseQuote(quote: Uint8Array): { readonly report: TDReport10; readonly chain: X509Certificate[] } {
  try {
    const parsed = Quote.parse(quote);
    const report = parsed.report.asTd10();
    if (report === null) {
      throw new TypeError("it is a quote of an SGX enclave, not of a TDX domain");
    }
    return { report, chain: certificatesIn(parsed.rawCertChain(), "quote") };
  } catch (cause) {
    if (cause instanceof DepinferError) {
      throw cause;
    }
    throw attestationError("malformed", `The quote cannot be read: ${errorMessage(cause)}`, { cause });
  }
}

const dated = z.object({ issueDate: z.iso.datetime(), nextUpdate: z.iso.datetime() });

function parseCollateral(value: z.input<typeof collateralSchema>): Collateral {
  const parsed = collateralSchema.safeParse(value);
  if (!parsed.success) {
    throw attestationError("malformed", `The collateral cannot be read: ${z.prettifyError(parsed.error)}`);
  }
  return parsed.data;
}

function checkDates({ tcb_info, qe_identity }: Collateral, now: number): void {
  for (const [name, text] of [
    ["TCB levels", tcb_info],
    ["enclave's identity", qe_identity],
  ] as const) {
    const parsed = dated.safeParse(parseJson(text));
    if (!parsed.success) {
      throw attestationError("malformed", `The ${name} in the collateral cannot be read`);
    }
    const { issueDate, nextUpdate } = parsed.data;
    if (now < Date.parse(issueDate) || now > Date.parse(nextUpdate)) {
      throw attestationError("collateralExpired", `The ${name} in the collateral hold until ${nextUpdate}`, {
        metadata: { until: nextUpdate },
      });
    }
  }
}

function verifySignatures(
  quote: Uint8Array,
  report: TDReport10,
  collateral: Collateral,
  root: Uint8Array,
  now: number,
): { readonly status: string; readonly advisories: readonly string[] } {
  try {
    const verifier = QuoteVerifier.newWithRootCa(Buffer.from(root));
    const { status, advisory_ids: advisories } = verifier.verify(quote, collateral, Math.floor(now / 1000));
    return { status, advisories };
  } catch (cause) {
    // The library looks at attributes last, so everything before them was right.
    if (errorMessage(cause) === "Debug mode is enabled" && report.tdAttributes[0] !== 0) {
      throw attestationError("debug", `The domain's attributes are ${hex(report.tdAttributes)}: debug mode`);
    }
    throw attestationError("notGenuine", `The quote is not genuine: ${errorMessage(cause)}`, { cause });
  }
}

/** That the chains lead to the root is found afterwards; here nothing is believed because of them. */
function checkRevocation(
  [leaf, platformAuthority]: readonly X509Certificate[],
  { root_ca_crl, pck_crl, tcb_info_issuer_chain, qe_identity_issuer_chain }: Collateral,
  root: Uint8Array,
  now: number,
): void {
  if (leaf === undefined || platformAuthority === undefined) {
    throw attestationError("malformed", "The quote brings no chain of certificates");
  }
  const authority = new X509Certificate(root);
  const signers = [tcb_info_issuer_chain, qe_identity_issuer_chain].flatMap((chain) =>
    certificatesIn(Buffer.from(chain), "collateral"),
  );
  const lists = [
    ["the root", root_ca_crl, authority, [platformAuthority, ...signers]],
    ["the platform's authority", pck_crl, platformAuthority, [leaf]],
  ] as const;
  for (const [name, list, issuer, certificates] of lists) {
    checkNotRevoked(parseRevocationList(Buffer.from(String(list), "hex"), name), name, issuer, certificates, now);
  }
}

/** Intel signs the TDX module itself, which shows as a signer of zeros (Intel TDX module specification, TDREPORT). */
function checkModule({ mrSignerSeam, seamAttributes }: TDReport10): void {
  if ([...mrSignerSeam, ...seamAttributes].some((byte) => byte !== 0)) {
    throw attestationError("notGenuine", `The TDX module was signed by ${hex(mrSignerSeam)}, not by Intel`);
  }
}

function acceptedImage(report: TDReport10, images: readonly AcceptedImage[]): AcceptedImage {
  const found = [report.rtMr0, report.rtMr1, report.rtMr2, report.rtMr3].map(hex);
  const image = images.find(
    ({ mrTd, rtMr = [] }) =>
      mrTd.toLowerCase() === hex(report.mrTd) && rtMr.every((wanted, index) => wanted.toLowerCase() === found[index]),
  );
  if (image === undefined) {
    const accepted = images.map(({ name }) => name).join(", ");
    throw attestationError(
      "wrongMeasurement",
      `The domain's measurement ${hex(report.mrTd)} belongs to no accepted image (${accepted === "" ? "none is" : accepted})`,
      { metadata: { mrTd: hex(report.mrTd), registers: found.join(" ") } },
    );
  }
  return image;
}

function certificatesIn(chain: Uint8Array, where: string): X509Certificate[] {
  try {
    return utils.extractCerts(Buffer.from(chain)).map((der) => new X509Certificate(der));
  } catch (cause) {
    throw attestationError("malformed", `A certificate in the ${where} cannot be read: ${errorMessage(cause)}`, {
      cause,
    });
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
