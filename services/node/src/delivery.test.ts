import { describe, expect, test } from "vitest";
import { bytesDeliveredAtCancel, createDelivery, deliveredAtCancel } from "./delivery.ts";

describe("what a buyer that cancelled pays for", () => {
  test.each([
    ["what it says it received", 100, "received:40", 40],
    ["never more than was sent", 100, "received:400", 100],
    ["all but 256 tokens when it claims less", 1_000, "received:0", 744],
    ["everything when it says nothing", 100, "changed my mind", 100],
    ["everything when it says nonsense", 100, "received:-5", 100],
    ["everything when its number is absurd", 100, "received:99999999999", 100],
  ])("%s", (_what, sent, reason, paid) => {
    expect(deliveredAtCancel(sent, reason, 1_000)).toBe(paid);
  });

  test.each([
    ["as far as it is trusted", 10, 90],
    ["not at all once its trust is used up", 0, 100],
  ])("is believed %s", (_how, trust, paid) => {
    expect(deliveredAtCancel(100, "received:0", trust)).toBe(paid);
    expect(bytesDeliveredAtCancel(400, "received:0", trust)).toBe(paid * 4);
  });

  test("is counted in bytes where the engine tells no tokens", () => {
    expect(bytesDeliveredAtCancel(500, "receivedBytes:200", 1_000)).toBe(200);
    expect(bytesDeliveredAtCancel(5_000, "receivedBytes:200", 1_000)).toBe(5_000 - 1_024);
    expect(bytesDeliveredAtCancel(500, "received:0", 1_000)).toBe(0);
    expect(bytesDeliveredAtCancel(500, "received:7", 1_000)).toBe(500);
  });
});

test("a delivery is cut between pieces, tokens and text alike", () => {
  const delivery = createDelivery();
  expect(delivery.isEmpty).toBe(true);
  delivery.add([1, 2], "één ");
  delivery.add([3], "");
  delivery.add([4, 5], "two");
  expect(delivery.first(4)).toEqual({ tokens: [1, 2, 3], text: "één ", pieces: 2 });
  expect(delivery.first(1)).toEqual({ tokens: [], text: "", pieces: 0 });
  expect(delivery.bytes).toBe(9);
  expect(delivery.firstBytes(8).text).toBe("één ");
  expect(delivery.all()).toEqual({ tokens: [1, 2, 3, 4, 5], text: "één two", pieces: 3 });
});
