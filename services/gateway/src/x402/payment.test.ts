import type { IncomingMessage } from "node:http";
import { DepinferError } from "@depinfer/protocol";
import {
  anything,
  assert,
  base64String,
  constantFrom,
  dictionary,
  json,
  oneof,
  property,
  record,
  string,
} from "fast-check";
import { expect, test } from "vitest";
import { exactPaymentOf, paymentOf } from "./payment.ts";

const base64 = (value: unknown) => Buffer.from(JSON.stringify(value) ?? "").toString("base64");

/** Whatever a header says is a payment, none, or an error of ours with a remedy. */
function survives(header: string): void {
  const request: Pick<IncomingMessage, "headers"> = { headers: { "payment-signature": header } };
  try {
    const payment = paymentOf(request);
    expect(payment?.x402Version).toBe(2);
    if (payment !== null) {
      exactPaymentOf(payment);
    }
  } catch (error) {
    expect(error).toBeInstanceOf(DepinferError);
    expect(error).toMatchObject({ code: expect.stringMatching(/^payment\.(malformed|unsupported)$/) });
  }
}

const accepted = record({
  scheme: oneof(constantFrom("exact", "batch-settlement"), string()),
  network: oneof(constantFrom("eip155:31337", "eip155", ":"), string()),
  amount: oneof(constantFrom("1", "-1", "1e9", "0x1"), string()),
  asset: string(),
  payTo: string(),
  maxTimeoutSeconds: constantFrom(300, 0, -1, 1e308),
  extra: oneof(constantFrom(null, undefined), dictionary(string(), anything({ maxDepth: 1 }))),
});
const payload = record({
  authorization: record({
    from: constantFrom(`0x${"12".repeat(20)}`, "0x", ""),
    to: constantFrom(`0x${"12".repeat(20)}`, "0x", ""),
    value: constantFrom("1", "-1", "01", "9".repeat(80), "1.5"),
    validAfter: constantFrom("0", "x"),
    validBefore: constantFrom("99999999999", ""),
    nonce: constantFrom(`0x${"AB".repeat(32)}`, "0x"),
  }),
  signature: constantFrom(`0x${"11".repeat(65)}`, "0x", `0x${"11".repeat(2_000)}`),
});

test("no header makes the decoder fail in another way than by an error of ours", () => {
  assert(
    property(
      oneof(
        string(),
        base64String(),
        json().map((text) => Buffer.from(text).toString("base64")),
        record({ x402Version: constantFrom(0, 1, 2, 3, "2"), accepted, payload }).map(base64),
      ),
      survives,
    ),
    { numRuns: 5_000 },
  );
});

test("one authorization has one name, however its digits are written", () => {
  const payment = (nonce: string) =>
    exactPaymentOf({
      x402Version: 2,
      accepted: {
        scheme: "exact",
        network: "eip155:1",
        amount: "1",
        asset: "",
        payTo: "",
        maxTimeoutSeconds: 1,
        extra: {},
      },
      payload: {
        authorization: {
          from: `0x${"aB".repeat(20)}`,
          to: `0x${"12".repeat(20)}`,
          value: "1",
          validAfter: "0",
          validBefore: "1",
          nonce,
        },
        signature: `0x${"11".repeat(65)}`,
      },
    }).authorization;
  expect(payment(`0x${"AB".repeat(32)}`)).toEqual(payment(`0x${"ab".repeat(32)}`));
});
