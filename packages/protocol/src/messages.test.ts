import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  acceptSchema,
  costDown,
  DepinferError,
  decodeData,
  decodeError,
  decodeMessage,
  decodeRequest,
  encodeData,
  encodeError,
  encodeRequest,
  formatUsd,
  microUsd,
  parseBody,
  type RequestTerms,
  signedReceiptSchema,
  signedVoucherSchema,
  utf8,
} from "./index.ts";

const prices = {
  inputPerMillion: microUsd(50_000),
  cachedInputPerMillion: microUsd(12_500),
  outputPerMillion: microUsd(200_000),
};
const zeros = `0x${"00".repeat(32)}` as const;
const terms: RequestTerms = {
  v: 1,
  requestId: zeros,
  endpoint: "chat",
  classId: zeros,
  channelId: zeros,
  buyerNonce: zeros,
  maxOutputTokens: 16,
  prices,
  audit: "validator",
};

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof DepinferError) {
      expect(error.remedy).not.toBe("");
      return error.code;
    }
    throw error;
  }
  return "accepted";
}

test("a request survives its encoding, body byte for byte", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), (body) => {
      const decoded = decodeRequest(encodeRequest({ terms, body }));
      expect(decoded.terms).toEqual(terms);
      expect([...decoded.body]).toEqual([...body]);
    }),
  );
});

test("random bytes are never more than a typed error, for any decoder", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const decoders = [
        () => decodeRequest(bytes),
        () => decodeData(bytes, []),
        () => decodeMessage(acceptSchema, bytes, "ACCEPT"),
        () => decodeMessage(signedVoucherSchema, bytes, "VOUCHER"),
        () => decodeMessage(signedReceiptSchema, bytes, "RECEIPT"),
        () => parseBody("chat", bytes),
      ];
      for (const decode of decoders) {
        expect(["accepted", "request.malformed", "request.invalid", "message.malformed", "data.malformed"]).toContain(
          codeOf(decode),
        );
      }
      expect(decodeError(bytes)).toBeInstanceOf(DepinferError);
    }),
    { numRuns: 2_000 },
  );
});

test("a request cut anywhere is refused", () => {
  const whole = encodeRequest({ terms, body: utf8("{}") });
  for (let length = 0; length < whole.length - 2; length++) {
    expect(codeOf(() => decodeRequest(whole.subarray(0, length)))).toBe("request.malformed");
  }
});

test("DATA keeps token ids and text apart", () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 0xffff_ffff }), { maxLength: 50 }), fc.string(), (ids, text) => {
      const tokens: number[] = [];
      const bytes = decodeData(encodeData(ids, utf8(text)), tokens);
      expect(tokens).toEqual(ids);
      expect(new TextDecoder().decode(bytes)).toBe(new TextDecoder().decode(utf8(text)));
    }),
  );
});

test("an error crosses the wire with its code and remedy", () => {
  const error = new DepinferError({
    code: "provider.busy",
    message: "All slots are at work",
    remedy: "Try another",
    retryable: true,
    metadata: { slots: 2 },
  });
  expect(decodeError(encodeError(error))).toMatchObject({
    code: "provider.busy",
    remedy: "Try another",
    retryable: true,
    metadata: { slots: 2 },
  });
});

describe("money", () => {
  test("costs round down, in the buyer's favour", () => {
    expect(costDown({ promptTokens: 19, cachedTokens: 0, outputTokens: 145 }, prices)).toBe(29n);
    expect(costDown({ promptTokens: 19, cachedTokens: 19, outputTokens: 0 }, prices)).toBe(0n);
  });

  test("a cost is never more than the exact one, and less than a unit below it", () => {
    const count = fc.nat({ max: 10_000_000 });
    fc.assert(
      fc.property(count, count, count, (prompt, cached, output) => {
        const usage = { promptTokens: prompt + cached, cachedTokens: cached, outputTokens: output };
        const exact = BigInt(prompt) * 50_000n + BigInt(cached) * 12_500n + BigInt(output) * 200_000n;
        const cost = costDown(usage, prices) * 1_000_000n;
        expect(cost <= exact && exact - cost < 1_000_000n).toBe(true);
      }),
    );
  });

  test("negative money is refused", () => {
    expect(() => microUsd(-1)).toThrow(RangeError);
  });

  test.each([
    [0n, "$0.00"],
    [29n, "$0.000029"],
    [1_000_000n, "$1.00"],
    [1_230_000n, "$1.23"],
    [-5n, "$-0.000005".replace("$-", "-$")],
  ])("%s units are %s", (amount, text) => {
    expect(formatUsd(amount)).toBe(text);
  });
});
