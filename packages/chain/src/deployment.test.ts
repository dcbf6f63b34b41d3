import { describe, expect, it } from "vitest";
import { contractAt, parseDeployment } from "./deployment.ts";

const addresses = {
  testUsd: `0x${"A1".repeat(20)}`,
  channels: `0x${"a2".repeat(20)}`,
  providerRegistry: `0x${"a3".repeat(20)}`,
  stakeVault: `0x${"a4".repeat(20)}`,
  receiptLog: `0x${"a5".repeat(20)}`,
  validatorSet: `0x${"a6".repeat(20)}`,
  disputes: `0x${"a7".repeat(20)}`,
  refundInsurance: `0x${"b1".repeat(20)}`,
  feeSplitter: `0x${"b2".repeat(20)}`,
  passes: `0x${"b3".repeat(20)}`,
};
const good = { chainId: 31_337, block: 4, rpcUrl: "http://127.0.0.1:8545", addresses };

describe("a deployment read from JSON", () => {
  it("has lower-case addresses and nothing that was not asked for", () => {
    const deployment = parseDeployment({ ...good, note: "mine" });
    expect(deployment).toEqual({ ...good, addresses: { ...addresses, testUsd: `0x${"a1".repeat(20)}` } });
    expect(contractAt(deployment, `0x${"A2".repeat(20)}`)).toBe("channels");
    expect(contractAt(deployment, `0x${"a9".repeat(20)}`)).toBeUndefined();
    expect(parseDeployment({ chainId: 1, block: 0, addresses })).not.toHaveProperty("rpcUrl");
  });

  it.each([
    ["the deployment is not an object", null],
    ["chainId is not a positive integer", { ...good, chainId: "31337" }],
    ["chainId is not a positive integer", { ...good, chainId: 0 }],
    ["block is not a block number", { ...good, block: -1 }],
    ["rpcUrl is not text", { ...good, rpcUrl: 5 }],
    ["addresses is not an object", { ...good, addresses: undefined }],
    ["addresses.channels is not an address", { ...good, addresses: { ...addresses, channels: "0x12" } }],
    ["addresses.receiptLog is not an address", { ...good, addresses: { ...addresses, receiptLog: undefined } }],
  ])("is refused when %s", (reason, value) => {
    expect(() => parseDeployment(value)).toThrow(
      expect.objectContaining({ code: "chain.badDeployment", message: `Not a deployment: ${reason}` }),
    );
  });
});
