import { fromHex, type Hex, toHex } from "@depinfer/protocol";
import fc from "fast-check";
import { recoverAddress as viemRecover } from "viem";
import { privateKeyToAccount, sign as viemSign } from "viem/accounts";
import { describe, expect, it } from "vitest";
import { nativeSecp256k1, portableSecp256k1, type Secp256k1, wasmSecp256k1 } from "./secp256k1.ts";
import { createSigner, recoverAddress, signerImplementation } from "./signer.ts";

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const key = fc.bigInt({ min: 1n, max: ORDER - 1n }).map((value): Hex => `0x${value.toString(16).padStart(64, "0")}`);

const implementations: readonly Secp256k1[] = [nativeSecp256k1(), wasmSecp256k1(), portableSecp256k1()].filter(
  (found) => found !== undefined,
);

it("uses the native library where it is installed, which is everywhere that tests run", () => {
  expect(signerImplementation).toBe("native");
  expect(implementations.map(({ name }) => name)).toEqual(["native", "wasm", "portable"]);
});

describe.each(implementations)("$name signing", (secp256k1) => {
  it("makes the same addresses and signatures as viem", async () => {
    await fc.assert(
      fc.asyncProperty(key, bytes32, async (privateKey, digest) => {
        const signer = createSigner(privateKey, { secp256k1 });
        const signature = signer.sign(digest);
        expect(signer.address).toBe(privateKeyToAccount(privateKey).address.toLowerCase());
        expect(signature).toBe(await viemSign({ hash: toHex(digest), privateKey, to: "hex" }));
        expect(recoverAddress(digest, signature, { secp256k1 })).toBe(signer.address);
        expect((await viemRecover({ hash: toHex(digest), signature })).toLowerCase()).toBe(signer.address);
      }),
      { numRuns: 40 },
    );
  });

  it("refuses the twin of a signature, whose s is high", () => {
    fc.assert(
      fc.property(key, bytes32, (privateKey, digest) => {
        const signature = createSigner(privateKey, { secp256k1 }).sign(digest);
        const s = BigInt(`0x${signature.slice(66, 130)}`);
        const twin: Hex = `${toHex(fromHex(signature).subarray(0, 32))}${(ORDER - s).toString(16).padStart(64, "0")}${
          signature.endsWith("1b") ? "1c" : "1b"
        }`;
        expect(() => recoverAddress(digest, twin, { secp256k1 })).toThrow("s is in the upper half");
      }),
      { numRuns: 20 },
    );
  });

  it("never recovers the signer from a changed digest or signature", () => {
    fc.assert(
      fc.property(key, bytes32, fc.nat({ max: 63 }), fc.nat({ max: 31 }), (privateKey, digest, at, byte) => {
        const signer = createSigner(privateKey, { secp256k1 });
        const signature = signer.sign(digest);
        const other = digest.map((value, i) => (i === byte ? value ^ 1 : value));
        expect(recoveredOrRefused(other, signature)).not.toBe(signer.address);
        const bytes = fromHex(signature).map((value, i) => (i === at ? value ^ 1 : value));
        expect(recoveredOrRefused(digest, toHex(bytes))).not.toBe(signer.address);
      }),
      { numRuns: 40 },
    );

    function recoveredOrRefused(digest: Uint8Array, signature: Hex): string {
      try {
        return recoverAddress(digest, signature, { secp256k1 });
      } catch (error) {
        expect(error).toMatchObject({ code: "signer.badSignature" });
        return "refused";
      }
    }
  });

  it.each([
    ["short", `0x${"11".repeat(64)}`],
    ["long", `0x${"11".repeat(66)}`],
    ["not hexadecimal", `0x${"zz".repeat(65)}`],
    ["with v 0", `0x${"11".repeat(64)}00`],
    ["with r zero", `0x${"00".repeat(32)}${"11".repeat(32)}1b`],
    ["with s zero", `0x${"11".repeat(32)}${"00".repeat(32)}1b`],
    ["with r above the order", `0x${"ff".repeat(32)}${"11".repeat(32)}1b`],
  ] as const)("refuses a signature that is %s", (_, signature) => {
    expect(() => recoverAddress(new Uint8Array(32), signature, { secp256k1 })).toThrow(
      expect.objectContaining({ code: "signer.badSignature" }),
    );
  });

  it("refuses keys and digests that are none, without repeating the key", () => {
    const bad: readonly Hex[] = [
      "0x",
      "0x1234",
      `0x${"00".repeat(32)}`,
      `0x${ORDER.toString(16)}`,
      `0x${"xy".repeat(32)}`,
    ];
    for (const privateKey of bad) {
      expect(() => createSigner(privateKey, { secp256k1 }), privateKey).toThrow(
        expect.objectContaining({ code: "signer.badKey", message: "The private key is not a secp256k1 key" }),
      );
    }
    const signer = createSigner(`0x${"11".repeat(32)}`, { secp256k1 });
    expect(() => signer.sign(new Uint8Array(31))).toThrow(expect.objectContaining({ code: "signer.badDigest" }));
    expect(JSON.stringify(signer)).not.toContain("1111");
  });
});
