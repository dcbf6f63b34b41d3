import { createRequire } from "node:module";
import { secp256k1 as noble } from "@noble/curves/secp256k1.js";

/** The four operations on the curve that this package needs. Digests and keys are 32 bytes, compact signatures 64. */
export interface Secp256k1 {
  readonly name: "native" | "wasm" | "portable";
  isPrivateKey(key: Uint8Array): boolean;
  /** Uncompressed public key: 65 bytes, the first 0x04. */
  publicKeyOf(key: Uint8Array): Uint8Array;
  /** Deterministic (RFC 6979), with s in the lower half of the group order. */
  sign(digest: Uint8Array, key: Uint8Array): { readonly signature: Uint8Array; readonly recovery: number };
  /** The uncompressed public key that made the signature; throws when there is none. */
  recover(digest: Uint8Array, signature: Uint8Array, recovery: number): Uint8Array;
}

/** What `secp256k1/bindings` exports; the package ships no types. */
interface Binding {
  privateKeyVerify(key: Uint8Array): boolean;
  publicKeyCreate(key: Uint8Array, compressed: boolean): Uint8Array;
  ecdsaSign(digest: Uint8Array, key: Uint8Array): { signature: Uint8Array; recid: number };
  ecdsaRecover(signature: Uint8Array, recid: number, digest: Uint8Array, compressed: boolean): Uint8Array;
}

const BINDING_FUNCTIONS = ["privateKeyVerify", "publicKeyCreate", "ecdsaSign", "ecdsaRecover"];

function isBinding(value: unknown): value is Binding {
  const members = new Map<string, unknown>(typeof value === "object" && value !== null ? Object.entries(value) : []);
  return BINDING_FUNCTIONS.every((name) => typeof members.get(name) === "function");
}

/**
 * libsecp256k1 through its native binding, or `undefined` where no binary fits the machine. The package's main entry
 * is avoided on purpose: it falls back to `elliptic`.
 */
export function nativeSecp256k1(): Secp256k1 | undefined {
  let loaded: unknown;
  try {
    loaded = createRequire(import.meta.url)("secp256k1/bindings");
  } catch {
    // No prebuilt binary for this platform: the portable implementation does the same, slower.
    return undefined;
  }
  if (!isBinding(loaded)) {
    return undefined;
  }
  const binding = loaded;
  return {
    name: "native",
    isPrivateKey: (key) => key.length === 32 && binding.privateKeyVerify(key),
    publicKeyOf: (key) => binding.publicKeyCreate(key, false),
    sign(digest, key) {
      const { signature, recid } = binding.ecdsaSign(digest, key);
      return { signature, recovery: recid };
    },
    recover: (digest, signature, recovery) => binding.ecdsaRecover(signature, recovery, digest, false),
  };
}

/** What `tiny-secp256k1` exports of libsecp256k1; it is loaded by name, and only where the native binding is not there. */
interface Wasm {
  isPrivate(key: Uint8Array): boolean;
  pointFromScalar(key: Uint8Array, compressed: boolean): Uint8Array | null;
  signRecoverable(digest: Uint8Array, key: Uint8Array): { signature: Uint8Array; recoveryId: number };
  recover(digest: Uint8Array, signature: Uint8Array, recovery: number, compressed: boolean): Uint8Array | null;
}

const WASM_FUNCTIONS = ["isPrivate", "pointFromScalar", "signRecoverable", "recover"];

function isWasm(value: unknown): value is Wasm {
  const members = new Map<string, unknown>(typeof value === "object" && value !== null ? Object.entries(value) : []);
  return WASM_FUNCTIONS.every((name) => typeof members.get(name) === "function");
}

/** libsecp256k1 compiled to WebAssembly, for machines that have no binary of it; `undefined` where that cannot run. */
export function wasmSecp256k1(): Secp256k1 | undefined {
  let loaded: unknown;
  try {
    loaded = createRequire(import.meta.url)("tiny-secp256k1");
  } catch {
    // No WebAssembly here: plain JavaScript does the same, slower.
    return undefined;
  }
  if (!isWasm(loaded)) {
    return undefined;
  }
  const wasm = loaded;
  return {
    name: "wasm",
    isPrivateKey: (key) => key.length === 32 && wasm.isPrivate(key),
    publicKeyOf: (key) => point(wasm.pointFromScalar(key, false)),
    sign(digest, key) {
      const { signature, recoveryId } = wasm.signRecoverable(digest, key);
      return { signature, recovery: recoveryId };
    },
    recover: (digest, signature, recovery) => point(wasm.recover(digest, signature, recovery, false)),
  };
}

function point(found: Uint8Array | null): Uint8Array {
  if (found === null) {
    throw new RangeError("there is no such point on the curve");
  }
  return found;
}

/** The same in plain JavaScript, by noble. */
export function portableSecp256k1(): Secp256k1 {
  return {
    name: "portable",
    isPrivateKey: (key) => noble.utils.isValidSecretKey(key),
    publicKeyOf: (key) => noble.getPublicKey(key, false),
    sign(digest, key) {
      const recovered = noble.sign(digest, key, { prehash: false, lowS: true, format: "recovered" });
      return { signature: recovered.slice(1), recovery: recovered[0] ?? 0 };
    },
    recover: (digest, signature, recovery) =>
      noble.Signature.fromBytes(signature, "compact").addRecoveryBit(recovery).recoverPublicKey(digest).toBytes(false),
  };
}
