import { describe, expect, it } from "vitest";
import { createEncoder, special, trainTokenizer } from "./bpe.ts";

const texts = ["the fox and the owl", "the other fox", "a receipt, a voucher, a receipt"];
const tokenizer = trainTokenizer(texts, 300);
const encode = createEncoder(tokenizer);

/** The inverse of the encoder, from the printable characters that stand for bytes. */
function decode(ids: readonly number[]): string {
  const characters = [...ids.map((id) => tokenizer.tokens[id] ?? "").join("")];
  const byte = new Map(tokenizer.tokens.slice(special.length, special.length + 256).map((token, i) => [token, i]));
  return new TextDecoder().decode(Uint8Array.from(characters, (character) => byte.get(character) ?? 0));
}

describe("the tokenizer", () => {
  it("keeps control tokens, bytes and merges in this order", () => {
    expect(tokenizer.tokens.slice(0, 3)).toEqual(special);
    expect(tokenizer.tokens.length).toBe(special.length + 256 + tokenizer.merges.length);
  });

  it.each([...texts, "Ünïcode 你好 🙂\n\ttabs", "", " leading and trailing "])("gives back %j", (text) => {
    expect(decode(encode(text))).toBe(text);
  });

  it("joins what occurs together", () => {
    expect(encode("the").length).toBe(1);
    expect(encode("the fox").length).toBeLessThan(5);
  });

  it("learns the same merges from the same texts", () => {
    expect(trainTokenizer(texts, 300)).toEqual(tokenizer);
  });
});
