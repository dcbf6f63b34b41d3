import { createCipheriv, createPrivateKey, createPublicKey, diffieHellman, hkdfSync, randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concatBytes, fromHex, type Hex, toHex } from "./bytes.ts";
import { DepinferError } from "./errors.ts";
import { keccak, utf8 } from "./hashing.ts";
import { createSealingKey, openSealed, type SealingKey, seal, sealOverhead } from "./seal.ts";

const context = utf8("receipt 1");
const keys = Array.from({ length: 3 }, () => createSealingKey(randomBytes));
const readers = keys.map(({ publicKey }) => publicKey);
const stranger = createSealingKey(randomBytes);
const [first = stranger] = keys;
const bytes = fc.uint8Array({ maxLength: 500 });

const codeOf = (work: () => unknown): string => {
  try {
    work();
    return "none";
  } catch (error) {
    return error instanceof DepinferError ? error.code : `foreign: ${String(error)}`;
  }
};

describe("sealed bytes", () => {
  test("are opened by every reader, and by nobody else", () => {
    fc.assert(
      fc.property(bytes, bytes, (plaintext, about) => {
        const sealed = seal(plaintext, { readers, context: about, randomBytes });
        expect(sealed.length).toBe(plaintext.length + sealOverhead(3));
        for (const key of keys) {
          expect(openSealed(sealed, { key, context: about })).toEqual(plaintext);
        }
        expect(codeOf(() => openSealed(sealed, { key: stranger, context: about }))).toBe("seal.notForYou");
      }),
      { numRuns: 20 },
    );
  });

  test("do not open for a key that only claims to be a reader's", () => {
    const sealed = seal(utf8("secret"), { readers, context, randomBytes });
    const thief: SealingKey = { publicKey: first.publicKey, secretKey: stranger.secretKey };
    expect(codeOf(() => openSealed(sealed, { key: thief, context }))).toBe("seal.broken");
  });

  test("do not open in another context", () => {
    const sealed = seal(utf8("secret"), { readers, context, randomBytes });
    expect(codeOf(() => openSealed(sealed, { key: first, context: utf8("receipt 2") }))).toBe("seal.broken");
  });

  test("do not open after any bit was changed", () => {
    const sealed = seal(utf8("secret"), { readers, context, randomBytes });
    for (let i = 0; i < sealed.length; i++) {
      const changed = sealed.slice();
      changed[i] = (changed[i] ?? 0) ^ (1 << (i % 8));
      expect(codeOf(() => openSealed(changed, { key: first, context }))).toMatch(/^seal\./);
    }
  });

  test("are refused with a type when they are anything else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (garbage, looksRight) => {
        const input = looksRight ? concatBytes(Uint8Array.of(1), garbage) : garbage;
        expect(codeOf(() => openSealed(input, { key: first, context }))).toMatch(/^seal\.(malformed|notForYou)$/);
      }),
    );
    const sealed = seal(utf8("secret"), { readers: [first.publicKey], context, randomBytes });
    for (let length = 0; length < sealed.length; length++) {
      expect(codeOf(() => openSealed(sealed.subarray(0, length), { key: first, context }))).toMatch(/^seal\./);
    }
  });

  test("say the same to all readers: a wrapped key that is not the committed one opens nothing", () => {
    // Two messages under two content keys, with the second's wrap put into the first.
    const one = seal(utf8("one"), { readers, context, randomBytes });
    const two = seal(utf8("two"), { readers, context, randomBytes });
    const mixed = one.slice();
    mixed.set(two.subarray(66, 66 + 80), 66);
    mixed.set(two.subarray(1, 33), 1);
    expect(codeOf(() => openSealed(mixed, { key: first, context }))).toBe("seal.broken");
    expect(sealWithNode(first.publicKey, utf8("one"), { commitTo: randomBytes(32) })).toSatisfy(
      (sealed: Uint8Array) => codeOf(() => openSealed(sealed, { key: first, context })) === "seal.broken",
    );
  });

  test("are what Node's own cryptography makes of the description", () => {
    const sealed = sealWithNode(first.publicKey, utf8("from another implementation"));
    expect(openSealed(sealed, { key: first, context })).toEqual(utf8("from another implementation"));
  });
});

describe("sealing", () => {
  const to = (...names: Hex[]) => codeOf(() => seal(utf8("x"), { readers: names, context, randomBytes }));

  test("refuses keys to which anyone could read, or that are none", () => {
    expect(to(`0x${"00".repeat(32)}`)).toBe("seal.badReader");
    expect(to(`0x01${"00".repeat(31)}`)).toBe("seal.badReader");
    expect(to("0x1234")).toBe("seal.badReader");
    expect(to(first.publicKey, "0xzz")).toBe("seal.badReader");
  });

  test("refuses nobody and too many, and counts a reader once", () => {
    expect(to()).toBe("seal.readers");
    const many = Array.from({ length: 256 }, (_, index): Hex => `0x${index.toString(16).padStart(64, "0")}`);
    expect(to(...many)).toBe("seal.readers");
    const twice = seal(utf8("x"), { readers: [first.publicKey, first.publicKey], context, randomBytes });
    expect(twice.length).toBe(1 + sealOverhead(1));
  });
});

/** The format once more, by `node:crypto`. */
function sealWithNode(reader: Hex, plaintext: Uint8Array, { commitTo }: { commitTo?: Uint8Array } = {}): Uint8Array {
  const secret = randomBytes(32);
  const privateKey = createPrivateKey({
    key: Buffer.concat([Buffer.from("302e020100300506032b656e04220420", "hex"), secret]),
    format: "der",
    type: "pkcs8",
  });
  const readerKey = fromHex(reader, 32);
  const publicKey = createPublicKey({
    key: Buffer.concat([Buffer.from("302a300506032b656e032100", "hex"), readerKey]),
    format: "der",
    type: "spki",
  });
  const ephemeral = createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(-32);
  const shared = diffieHellman({ privateKey, publicKey });
  const derive = (from: Uint8Array, salt: Uint8Array, info: string) =>
    new Uint8Array(hkdfSync("sha256", from, salt, `depinfer/seal/1/${info}`, 32));
  const encrypt = (key: Uint8Array, clear: Uint8Array, associated?: Uint8Array) => {
    const cipher = createCipheriv("aes-256-gcm", key, new Uint8Array(12));
    if (associated !== undefined) {
      cipher.setAAD(associated);
    }
    return Buffer.concat([cipher.update(clear), cipher.final(), cipher.getAuthTag()]);
  };
  const contentKey = randomBytes(32);
  const head = concatBytes(
    Uint8Array.of(1),
    ephemeral,
    derive(commitTo ?? contentKey, new Uint8Array(0), "commitment"),
    Uint8Array.of(1),
    readerKey,
    encrypt(derive(shared, concatBytes(ephemeral, readerKey), "wrap"), contentKey),
  );
  expect(toHex(ephemeral)).toHaveLength(66);
  return concatBytes(head, encrypt(contentKey, plaintext, concatBytes(keccak(utf8("depinfer/seal/1"), context), head)));
}
