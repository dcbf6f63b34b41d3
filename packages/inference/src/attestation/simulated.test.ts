import { createHash } from "node:crypto";
import { errorCode } from "@depinfer/protocol";
import { describe, expect, test } from "vitest";
import { createTestPlatform } from "../testing/tdx-platform.ts";
import { type AttestedSubject, reportData } from "./report-data.ts";
import { simulateQuote, verifySimulatedQuote } from "./simulated.ts";
import { verifyTdxQuote } from "./tdx.ts";

const word = (byte: string) => `0x${byte.repeat(32)}` as const;
const subject: AttestedSubject = { classId: word("11"), receiptKey: `0x${"22".repeat(20)}`, nonce: word("33") };
const domain = { image: "depinfer-test" };

function codeOf(work: () => unknown): string {
  try {
    work();
    return "accepted";
  } catch (error) {
    return errorCode(error);
  }
}

test("report data are the hash of domain, class, key and nonce", () => {
  const digits = `${Buffer.from("depinfer/attestation/1\n").toString("hex")}${"11".repeat(32)}${"22".repeat(20)}${"33".repeat(32)}`;
  const wanted = createHash("sha512").update(Buffer.from(digits, "hex")).digest("hex");
  expect(Buffer.from(reportData(subject)).toString("hex")).toBe(wanted);
});

describe("a SIMULATED quote", () => {
  test("says so in its own bytes", () => {
    expect(Buffer.from(simulateQuote(domain, subject)).toString()).toContain("SIMULATED: no hardware");
  });

  test("is checked like a real one", () => {
    const check = (quote: Uint8Array, changes: Partial<AttestedSubject> = {}, images = [domain.image]) =>
      codeOf(() => verifySimulatedQuote(quote, { ...subject, ...changes }, images));
    const quote = simulateQuote(domain, subject);
    expect(check(quote)).toBe("accepted");
    expect(check(quote, { nonce: word("44") })).toBe("attestation.wrongReportData");
    expect(check(quote, { receiptKey: `0x${"44".repeat(20)}` })).toBe("attestation.wrongReportData");
    expect(check(quote, {}, ["other"])).toBe("attestation.wrongMeasurement");
    expect(check(simulateQuote({ ...domain, debug: true }, subject))).toBe("attestation.debug");
    const text = Buffer.from(quote).toString();
    expect(check(Buffer.from(text.replace('"image":"depinfer-test"', '"image":"depinfer-best"')))).toBe(
      "attestation.notGenuine",
    );
    expect(check(Buffer.from(text.slice(0, -5)))).toBe("attestation.malformed");
  });

  test("is no quote of hardware, nor the other way round", () => {
    const now = Date.UTC(2026, 5, 1);
    const platform = createTestPlatform(now);
    const real = platform.quote({ reportData: reportData(subject) });
    const policy = { images: [{ name: "any", mrTd: "aa".repeat(48) }], rootCertificate: platform.rootCertificate };
    expect(
      codeOf(() => verifyTdxQuote(simulateQuote(domain, subject), platform.collateral(), subject, policy, now)),
    ).toBe("attestation.malformed");
    expect(codeOf(() => verifySimulatedQuote(real, subject, [domain.image]))).toBe("attestation.malformed");
  });
});
