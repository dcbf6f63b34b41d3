import { expect, test } from "vitest";
import { eventValue, words } from "./event-values.ts";

const ADDRESS = `0x${"ab".repeat(20)}`;
const BYTES32 = `0x${"cd".repeat(32)}`;

test("arguments lead to what they name", () => {
  expect(eventValue("channelId", BYTES32, {})).toEqual({ as: "link", id: BYTES32, to: `/explorer/channel/${BYTES32}` });
  expect(eventValue("provider", ADDRESS, {})).toMatchObject({ to: `/explorer/provider/${ADDRESS}` });
  expect(eventValue("payerAuthorizer", ADDRESS, {})).toMatchObject({ to: `/explorer/account/${ADDRESS}` });
  expect(eventValue("epoch", "3", { provider: ADDRESS })).toEqual({
    as: "link",
    id: "3",
    to: `/explorer/epoch/${ADDRESS}/3`,
  });
  expect(eventValue("targetBlock", 664, {})).toMatchObject({ to: "/explorer/block/664" });
});

test("money is exact beyond what a number holds, and times are times", () => {
  expect(eventValue("amount", "90071992547409931", {})).toEqual({ as: "money", units: 90_071_992_547_409_931n });
  expect(eventValue("withdrawAt", "1795405913", {})).toEqual({ as: "time", at: 1_795_405_913_000 });
  expect(eventValue("withdrawDelay", "60", {})).toEqual({ as: "duration", milliseconds: 60_000 });
  expect(eventValue("withdrawAt", "18446744073709551615", {})).toMatchObject({ as: "text" });
  expect(eventValue("withdrawAt", "0", {})).toEqual({ as: "text", text: "0" });
});

test("what is not understood is shown as the text that it is, cut off", () => {
  expect(eventValue("channelId", "0x12", {})).toEqual({ as: "id", id: "0x12" });
  expect(eventValue("epoch", "3", { provider: "javascript:alert(1)" })).toEqual({ as: "text", text: "3" });
  expect(eventValue("endpointHint", "", {})).toEqual({ as: "text", text: "" });
  expect(eventValue("x", null, {})).toEqual({ as: "text", text: "null" });
  expect(eventValue("x", undefined, {})).toEqual({ as: "text", text: "" });
  expect(eventValue("classIds", [BYTES32], {})).toEqual({ as: "text", text: `["${BYTES32}"]` });
  expect(eventValue("x", "<b>".repeat(1_000), {})).toMatchObject({ text: "<b>".repeat(100) });
});

test("names of contracts read as words", () => {
  expect(words("ChannelOpened")).toBe("Channel opened");
  expect(words("withdrawDelay")).toBe("Withdraw delay");
});
