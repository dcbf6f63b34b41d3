import { encodeErrorResult } from "viem";
import { expect, it } from "vitest";
import { ABIS } from "./abi.ts";
import { displayUrl, noAccount, receiptTimeout, unreachable, wrongChain } from "./errors.ts";
import { decodeRevert, revertError } from "./revert.ts";
import { createRpc } from "./rpc.ts";

it("says in each message what was wrong, and in each remedy what to do", () => {
  const url = "https://user:pass@rpc.example/v2/key?token=abc";
  const early = encodeErrorResult({
    abi: ABIS.channels,
    errorName: "WithdrawTooEarly",
    args: [`0x${"01".repeat(32)}`, 9n],
  });
  const lines = [
    unreachable(url, new Error("connect ECONNREFUSED\nRequest body: {}")),
    receiptTimeout("0xabc", 60_000),
    noAccount("usd.mint"),
    wrongChain(url, 31_337, 1),
    revertError("channels.finalizeWithdraw", decodeRevert(early)),
    revertError("channels.open", decodeRevert("0xdeadbeef")),
  ].map((error) => `${error.code}${error.retryable ? " (retryable)" : ""}: ${error.describe()}`);
  expect(lines).toMatchInlineSnapshot(`
    [
      "chain.unreachable (retryable): No answer from the chain at https://rpc.example: connect ECONNREFUSED. Check that the chain is running and that --rpc-url names it.",
      "chain.receiptTimeout: Transaction 0xabc was not mined within 60000 ms. Look the transaction up before sending it again: it may still be mined.",
      "chain.noAccount: usd.mint needs an account, and this chain object only reads. Pass account to createChain.",
      "chain.wrongChain: https://rpc.example is chain 1, the deployment is on chain 31337. Use the RPC URL of the chain that the contracts were deployed to.",
      "chain.reverted: The contract refused channels.finalizeWithdraw: WithdrawTooEarly(0x0101010101010101010101010101010101010101010101010101010101010101, 9). Wait until the time given.",
      "chain.reverted: The contract refused channels.open: without a reason that we know. Read the error's name and arguments in the contract's documentation.",
    ]
  `);
});

it("shows of a URL only what holds no secret", () => {
  expect(displayUrl("https://user:pass@rpc.example:8545/v2/key?token=abc")).toBe("https://rpc.example:8545");
  expect(displayUrl("a pasted key")).toBe("(invalid URL)");
  expect(() => createRpc("a pasted key")).toThrow(
    expect.objectContaining({ code: "chain.badUrl", message: "The RPC URL is not a URL" }),
  );
});
