import { createNonceChain } from "@depinfer/proof";
import type { Hex } from "@depinfer/protocol";
import { describe, expect, test } from "vitest";
import { createNonceWatch } from "./nonce-watch.ts";

function chainOf(byte: number) {
  const { head, next } = createNonceChain(new Uint8Array(32).fill(byte), 100);
  return { head, nonces: Array.from({ length: 100 }, () => next() ?? head) };
}

const { head, nonces } = chainOf(1);
const nonce = (index: number): Hex => nonces[index] ?? "0x";
const refusal = expect.objectContaining({ code: "provider.badNonce" });

describe("a provider's nonces", () => {
  test("are taken in the order of the chain", () => {
    const watch = createNonceWatch();
    for (let i = 0; i < 100; i++) {
      watch.expect(head).check(nonce(i));
    }
  });

  test("may leave out as many as there were requests that did not see theirs, and no more", () => {
    const watch = createNonceWatch();
    watch.expect(head).check(nonce(0));
    watch.expect(head);
    watch.expect(head);
    expect(() => watch.expect(head).check(nonce(4))).toThrow(refusal);
    watch.expect(head).check(nonce(3));
  });

  test("may leave out none for a request that was refused", () => {
    const watch = createNonceWatch();
    watch.expect(head).check(nonce(0));
    watch.expect(head).refused();
    expect(() => watch.expect(head).check(nonce(2))).toThrow(refusal);
    watch.expect(head).check(nonce(1));
  });

  test("are refused when they come again, or from a chain that was announced after the request", () => {
    const other = chainOf(2);
    const watch = createNonceWatch();
    watch.expect(head).check(nonce(0));
    expect(() => watch.expect(head).check(nonce(0))).toThrow(refusal);
    expect(() => watch.expect(head).check(other.nonces[0] ?? "0x")).toThrow(refusal);
    watch.expect(other.head).check(other.nonces[0] ?? "0x");
    watch.expect(other.head).check(other.nonces[1] ?? "0x");
  });

  test("are refused while no chain was announced", () => {
    expect(() => createNonceWatch().expect(undefined).check(nonce(0))).toThrow(refusal);
  });
});
