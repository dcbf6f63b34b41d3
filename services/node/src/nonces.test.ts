import { followsInChain } from "@depinfer/proof";
import type { Hex } from "@depinfer/protocol";
import { expect, test } from "vitest";
import { createNonceBook } from "./nonces.ts";

test("every nonce is the preimage of the one before it, or of a head announced before", () => {
  const book = createNonceBook(5);
  let last = book.headFor("peer");
  const announced: Hex[] = [];
  for (let i = 0; i < 50; i++) {
    const known = [...announced];
    const { nonce, announce } = book.next("peer");
    expect(
      [last, ...known].some((previous) => followsInChain(nonce, previous)),
      `nonce ${i}`,
    ).toBe(true);
    if (announce !== null) {
      announced.push(announce);
    }
    last = nonce;
  }
});

test("a second link to the same peer goes on where the first one is", () => {
  const book = createNonceBook(10);
  book.headFor("peer");
  const { nonce } = book.next("peer");
  const head = book.headFor("peer");
  expect(head).toBe(nonce);
  const following = book.next("peer").nonce;
  expect(followsInChain(following, nonce)).toBe(true);
});

test("peers have chains of their own, and the number that is kept is bounded", () => {
  const book = createNonceBook(2);
  const heads = new Set(Array.from({ length: 1_200 }, (_, index) => book.headFor(`peer-${index}`)));
  expect(heads.size).toBe(1_200);
  // The first one was forgotten; it is told its new head with the first nonce.
  expect(book.next("peer-0").announce).not.toBeNull();
});

test("a new chain is announced a thousand requests before it is used, since as many may be under way", () => {
  const book = createNonceBook();
  book.headFor("peer");
  let announcedAt: number | undefined;
  let head: Hex | undefined;
  for (let request = 1; request <= 5_000; request++) {
    const { nonce, announce } = book.next("peer");
    if (head !== undefined && followsInChain(nonce, head)) {
      expect(request - (announcedAt ?? request)).toBeGreaterThan(1_000);
    }
    if (announce !== null) {
      [announcedAt, head] = [request, announce];
    }
  }
  expect(announcedAt).toBeDefined();
});
