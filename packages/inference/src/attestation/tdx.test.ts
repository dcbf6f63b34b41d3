import { errorCode } from "@depinfer/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { authority } from "../testing/der-writer.ts";
import { type CollateralParts, createTestPlatform, PCK_SERIAL, type QuoteParts } from "../testing/tdx-platform.ts";
import { type AttestedSubject, reportData } from "./report-data.ts";
import { type AcceptedImage, type TdxPolicy, verifyTdxQuote } from "./tdx.ts";

/* Quotes of a platform that the tests build themselves, under a root of its own; no hardware and no network. */

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 5, 1);
const word = (byte: string) => `0x${byte.repeat(32)}` as const;
const subject: AttestedSubject = { classId: word("11"), receiptKey: `0x${"22".repeat(20)}`, nonce: word("33") };
const image: AcceptedImage = { name: "depinfer 0.1", mrTd: "AA".repeat(48), rtMr: ["bb".repeat(48)] };
const platform = createTestPlatform(NOW);
const genuine: QuoteParts = { reportData: reportData(subject), rtMr: [Buffer.alloc(48, 0xbb)] };
const policy: TdxPolicy = { images: [image], rootCertificate: platform.rootCertificate };

interface Case {
  readonly quote?: Partial<QuoteParts>;
  readonly collateral?: CollateralParts;
  readonly subject?: Partial<AttestedSubject>;
  readonly policy?: Partial<TdxPolicy>;
  readonly now?: number;
}

function verify(changes: Case = {}) {
  return verifyTdxQuote(
    platform.quote({ ...genuine, ...changes.quote }),
    platform.collateral(changes.collateral),
    { ...subject, ...changes.subject },
    { ...policy, ...changes.policy },
    changes.now ?? NOW,
  );
}

function codeOf(work: () => unknown): string {
  try {
    work();
    return "accepted";
  } catch (error) {
    return errorCode(error);
  }
}

describe("a TDX quote", () => {
  test("of an accepted image on a platform that is up to date is accepted", () => {
    expect(verify()).toEqual({ image, status: "UpToDate", advisories: [] });
  });

  test.each<[string, string, Case]>([
    ["another class", "wrongReportData", { subject: { classId: word("44") } }],
    ["another receipt key", "wrongReportData", { subject: { receiptKey: `0x${"44".repeat(20)}` } }],
    ["another nonce", "wrongReportData", { subject: { nonce: word("44") } }],
    ["another initial image", "wrongMeasurement", { quote: { mrTd: Buffer.alloc(48, 0xcc) } }],
    ["another start", "wrongMeasurement", { quote: { rtMr: [Buffer.alloc(48, 0xcc)] } }],
    ["any image where none is accepted", "wrongMeasurement", { policy: { images: [] } }],
    ["a domain in debug mode", "debug", { quote: { debug: true } }],
    ["a module that Intel did not sign", "notGenuine", { quote: { moduleSigner: Buffer.alloc(48, 1) } }],
    [
      "a platform under another root",
      "notGenuine",
      { policy: { rootCertificate: createTestPlatform(NOW).rootCertificate } },
    ],
    ["a platform with old firmware", "outdated", { collateral: { status: "OutOfDate" } }],
    ["a platform whose TCB level was revoked", "notGenuine", { collateral: { status: "Revoked" } }],
    ["a platform whose key was revoked", "revoked", { collateral: { revoked: [5, PCK_SERIAL] } }],
    ["a platform whose authority was revoked", "revoked", { collateral: { rootRevoked: [2] } }],
    ["TCB levels by a revoked signer", "revoked", { collateral: { rootRevoked: [3] } }],
    ["a revocation list by somebody else", "notGenuine", { collateral: { forgedBy: authority("Mallory") } }],
    ["collateral that has expired", "collateralExpired", { now: NOW + 40 * DAY }],
    ["collateral from the future", "collateralExpired", { now: NOW - 2 * DAY }],
    ["revocation lists that have expired", "collateralExpired", { collateral: { listsUntil: NOW - 1 } }],
  ])("of %s is refused as attestation.%s", (_what, fault, changes) => {
    expect(codeOf(() => verify(changes))).toBe(`attestation.${fault}`);
  });

  test("of a platform with old firmware is accepted when that status is accepted by name", () => {
    const found = verify({ collateral: { status: "OutOfDate" }, policy: { statuses: ["UpToDate", "OutOfDate"] } });
    expect(found.status).toBe("OutOfDate");
  });

  test("under Intel's root is not one of the tests' platform", () => {
    const { rootCertificate: _, ...intel } = policy;
    expect(codeOf(() => verifyTdxQuote(platform.quote(genuine), platform.collateral(), subject, intel, NOW))).toBe(
      "attestation.notGenuine",
    );
  });

  test("is refused whichever of its signed bytes is changed", () => {
    const quote = platform.quote(genuine);
    const collateral = platform.collateral();
    // Header, report, length, signature and key; then, behind a type and a length that nothing covers, the quoting
    // enclave's report and signature. The chain behind them has its own signatures.
    const [first, unsigned, second] = [48 + 584 + 4 + 64 + 64, 2 + 4, 384 + 64];
    const positions = fc.nat(first + second - 1).map((at) => (at < first ? at : at + unsigned));
    fc.assert(
      fc.property(positions, fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Buffer.from(quote);
        changed[at] = (changed[at] ?? 0) ^ flip;
        expect(codeOf(() => verifyTdxQuote(changed, collateral, subject, policy, NOW))).toMatch(/^attestation\./);
      }),
      { numRuns: 300 },
    );
  });

  test("that is cut, or is noise, is malformed or not genuine, and never an error of another kind", () => {
    const quote = platform.quote(genuine);
    const collateral = platform.collateral();
    fc.assert(
      fc.property(
        fc.oneof(
          fc.nat(quote.length - 1).map((length) => quote.subarray(0, length)),
          fc.uint8Array({ maxLength: 2_000 }),
        ),
        (bytes) => {
          expect(codeOf(() => verifyTdxQuote(bytes, collateral, subject, policy, NOW))).toMatch(
            /^attestation\.(malformed|notGenuine)$/,
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  test("with collateral that is damaged anywhere is refused", () => {
    const quote = platform.quote(genuine);
    const whole = platform.collateral();
    for (const [name, value] of Object.entries(whole)) {
      for (const damaged of ["", "00", value.slice(0, value.length - 40), value.replace(/[1-8]/g, "9")]) {
        // The issuer chain of the platform's list is read from the quote instead.
        const code = codeOf(() => verifyTdxQuote(quote, { ...whole, [name]: damaged }, subject, policy, NOW));
        expect(code === "accepted" ? name : code).toMatch(/^attestation\.|pck_crl_issuer_chain/);
      }
    }
  });
});
