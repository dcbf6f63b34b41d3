import { microUsd, type Offer, type OfferedAttestation } from "@depinfer/protocol";
import { describe, expect, test } from "vitest";
import { createTestPlatform } from "../testing/tdx-platform.ts";
import { createAttestationChecker } from "./attestation-checker.ts";
import { type AttestedSubject, reportData } from "./report-data.ts";
import { simulateQuote } from "./simulated.ts";

const NOW = Date.UTC(2026, 5, 1);
const word = (byte: string) => `0x${byte.repeat(32)}` as const;
const subject: AttestedSubject = { classId: word("11"), receiptKey: `0x${"22".repeat(20)}`, nonce: word("33") };
const platform = createTestPlatform(NOW);
const real = platform.quote({ reportData: reportData(subject) });

function offerOf(kind: OfferedAttestation["kind"], quote: Uint8Array, changes: Partial<Offer> = {}): Offer {
  return {
    v: 1,
    peerId: "peer",
    addresses: [],
    provider: subject.receiptKey,
    receiptKey: subject.receiptKey,
    model: "words",
    classId: subject.classId,
    proofLevel: kind === "tdx" ? "attested" : "attested-SIMULATED",
    attestation: { kind, quote: Buffer.from(quote).toString("base64"), nonce: subject.nonce },
    prices: { inputPerMillion: microUsd(1), cachedInputPerMillion: microUsd(1), outputPerMillion: microUsd(1) },
    contextLength: 100,
    slots: 1,
    idleSlots: 1,
    region: "test",
    sequence: 1,
    issuedAt: 1,
    expiresAt: 2,
    ...changes,
  };
}

function checkerAt(clock: { now: number; fetched: number }, collateral = platform.collateral) {
  return createAttestationChecker(
    {
      collateral: async () => {
        clock.fetched += 1;
        return collateral();
      },
      now: () => clock.now,
    },
    {
      images: [{ name: "depinfer", mrTd: "aa".repeat(48) }],
      rootCertificate: platform.rootCertificate,
      simulatedImages: ["depinfer-test"],
    },
  );
}

describe("the quote of an offer", () => {
  test("is not believed before it was checked, and is afterwards", async () => {
    const checker = checkerAt({ now: NOW, fetched: 0 });
    const offer = offerOf("tdx", real);
    expect(checker.fault(offer)).toBe("it is being checked");
    await checker.settled(offer);
    expect(checker.fault(offer)).toBeUndefined();
  });

  test("does not carry over to an offer of another class or key", async () => {
    const checker = checkerAt({ now: NOW, fetched: 0 });
    for (const changes of [{ classId: word("44") }, { receiptKey: `0x${"44".repeat(20)}` } as const]) {
      const offer = offerOf("tdx", real, changes);
      await checker.settled(offer);
      expect(checker.fault(offer)).toContain("another class, key or nonce");
    }
  });

  test("is checked again after a while, with the collateral of then", async () => {
    const clock = { now: NOW, fetched: 0 };
    const checker = checkerAt(clock);
    const offer = offerOf("tdx", real);
    await checker.settled(offer);
    await checker.settled(offer);
    expect(clock.fetched).toBe(1);
    clock.now += 60 * 86_400_000;
    await checker.settled(offer);
    expect(clock.fetched).toBe(2);
    expect(checker.fault(offer)).toContain("hold until");
  });

  test("is not believed while its collateral cannot be had", async () => {
    const checker = checkerAt({ now: NOW, fetched: 0 }, () => {
      throw new TypeError("the server is away");
    });
    const offer = offerOf("tdx", real);
    await checker.settled(offer);
    expect(checker.fault(offer)).toBe("it could not be checked: the server is away");
  });

  test("of a simulator is checked as one, under whichever label it comes", async () => {
    const checker = checkerAt({ now: NOW, fetched: 0 });
    const quote = simulateQuote({ image: "depinfer-test" }, subject);
    const [labelled, relabelled, other] = [
      offerOf("SIMULATED", quote),
      offerOf("tdx", quote),
      offerOf("SIMULATED", simulateQuote({ image: "other" }, subject)),
    ];
    await Promise.all([labelled, relabelled, other].map((offer) => checker.settled(offer)));
    expect(checker.fault(labelled)).toBeUndefined();
    expect(checker.fault(relabelled)).toContain("cannot be read");
    expect(checker.fault(other)).toContain("not an accepted one");
  });
});
