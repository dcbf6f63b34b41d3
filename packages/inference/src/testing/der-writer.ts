import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";

/* As much DER as certificates and revocation lists of tests need. */

const element = (tag: number, content: Uint8Array): Buffer => {
  const length =
    content.length < 0x80 ? [content.length] : [0x82, Math.floor(content.length / 256), content.length % 256];
  return Buffer.concat([Uint8Array.of(tag, ...length), content]);
};

export const sequence = (...parts: readonly Uint8Array[]) => element(0x30, Buffer.concat(parts));
export const octets = (bytes: Uint8Array) => element(0x04, bytes);
export const bits = (bytes: Uint8Array) => element(0x03, Buffer.concat([Uint8Array.of(0), bytes]));
export const explicit = (number: number, content: Uint8Array) => element(0xa0 + number, content);
export const enumerated = (value: number) => element(0x0a, Uint8Array.of(value));
export const set = (content: Uint8Array) => element(0x31, content);
export const utf8String = (text: string) => element(0x0c, Buffer.from(text));

/** A non-negative integer. */
export function integer(value: number): Buffer {
  const digits = value.toString(16);
  const bytes = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, "hex");
  return element(0x02, (bytes[0] ?? 0) < 0x80 ? bytes : Buffer.concat([Uint8Array.of(0), bytes]));
}

export function objectId(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  const packed = [first * 40 + second, ...rest].flatMap((part) => {
    const groups = [part % 128];
    for (let left = Math.floor(part / 128); left > 0; left = Math.floor(left / 128)) {
      groups.unshift((left % 128) + 128);
    }
    return groups;
  });
  return element(0x06, Uint8Array.from(packed));
}

export function utcTime(at: number): Buffer {
  const digits = new Date(at).toISOString().replace(/[-:T]/g, "");
  return element(0x17, Buffer.from(`${digits.slice(2, 14)}Z`));
}

export interface Authority {
  readonly name: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** A P-256 key pair under a name. */
export function authority(name: string): Authority {
  return { name, ...generateKeyPairSync("ec", { namedCurve: "P-256" }) };
}

const ECDSA_SHA256 = sequence(objectId("1.2.840.10045.4.3.2"));
const nameOf = (text: string) => sequence(set(sequence(objectId("2.5.4.3"), utf8String(text))));
const signed = (content: Buffer, by: Authority) =>
  sequence(content, ECDSA_SHA256, bits(sign("sha256", content, by.privateKey)));

export interface CertificateParts {
  readonly serial: number;
  readonly from: number;
  readonly until: number;
  /** Object id and content of each extension. */
  readonly extensions?: readonly (readonly [string, Uint8Array])[];
}

export function certificate(subject: Authority, issuer: Authority, parts: CertificateParts): Buffer {
  const { serial, from, until, extensions = [] } = parts;
  const list = sequence(...extensions.map(([id, content]) => sequence(objectId(id), octets(content))));
  return signed(
    sequence(
      explicit(0, integer(2)),
      integer(serial),
      ECDSA_SHA256,
      nameOf(issuer.name),
      sequence(utcTime(from), utcTime(until)),
      nameOf(subject.name),
      subject.publicKey.export({ type: "spki", format: "der" }),
      ...(extensions.length === 0 ? [] : [explicit(3, list)]),
    ),
    issuer,
  );
}

export function revocationList(
  issuer: Authority,
  parts: { readonly from: number; readonly until: number; readonly serials: readonly number[] },
): Buffer {
  const { from, until, serials } = parts;
  const entries = serials.map((serial) => sequence(integer(serial), utcTime(from)));
  return signed(
    sequence(
      integer(1),
      ECDSA_SHA256,
      nameOf(issuer.name),
      utcTime(from),
      utcTime(until),
      ...(entries.length === 0 ? [] : [sequence(...entries)]),
    ),
    issuer,
  );
}

export function pem(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
