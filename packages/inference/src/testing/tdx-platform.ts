import { createHash, sign } from "node:crypto";
import type { z } from "zod";
import type { collateralSchema } from "../attestation/tdx.ts";
import {
  type Authority,
  authority,
  certificate,
  enumerated,
  integer,
  objectId,
  octets,
  pem,
  revocationList,
  sequence,
} from "./der-writer.ts";

/*
 * A platform that is built like Intel's, under a root of its own: certificates, revocation lists, TCB levels, quoting
 * enclave and TDX quotes of version 4, as Intel's DCAP documents lay them out. TEST ONLY.
 */

const DAY = 86_400_000;
const SGX = "1.2.840.113741.1.13.1";
const FMSPC = "b0c06f000000";
const ROOT = 1;
const PLATFORM_AUTHORITY = 2;
const TCB_SIGNING = 3;
export const PCK_SERIAL = 77;

export interface QuoteParts {
  /** 64 bytes. */
  readonly reportData: Uint8Array;
  /** 48 bytes. */
  readonly mrTd?: Uint8Array;
  readonly rtMr?: readonly Uint8Array[];
  readonly debug?: boolean;
  /** Signer of the TDX module, 48 bytes; Intel's is zeros. */
  readonly moduleSigner?: Uint8Array;
}

export interface CollateralParts {
  readonly status?: string;
  /** Serial numbers that the platform's authority has revoked. */
  readonly revoked?: readonly number[];
  /** The same of the root. */
  readonly rootRevoked?: readonly number[];
  /** Who signs the platform's list instead of its authority. */
  readonly forgedBy?: Authority;
  /** End of the revocation lists; everything else ends a day later. */
  readonly listsUntil?: number;
}

export interface TestPlatform {
  readonly rootCertificate: Buffer;
  quote(parts: QuoteParts): Buffer;
  collateral(parts?: CollateralParts): z.input<typeof collateralSchema>;
}

const raw = (content: Uint8Array, by: Authority) =>
  sign("sha256", content, { key: by.privateKey, dsaEncoding: "ieee-p1363" });

/** @param now milliseconds since 1970; certificates hold from the day before for a year, collateral for a month. */
export function createTestPlatform(now: number): TestPlatform {
  const [from, until] = [now - DAY, now + 365 * DAY];
  const [root, platform, tcbSigner, pck, enclave] = ["Root", "Platform CA", "TCB Signing", "PCK", "Attestation"].map(
    (name) => authority(`Test ${name}`),
  );
  if (
    root === undefined ||
    platform === undefined ||
    tcbSigner === undefined ||
    pck === undefined ||
    enclave === undefined
  ) {
    throw new RangeError("five authorities were made");
  }
  const tcb = sequence(
    sequence(objectId(`${SGX}.2.17`), integer(11)),
    sequence(objectId(`${SGX}.2.18`), octets(Buffer.alloc(16, 5))),
  );
  const platformData = sequence(
    sequence(objectId(`${SGX}.1`), octets(Buffer.alloc(16, 1))),
    sequence(objectId(`${SGX}.2`), tcb),
    sequence(objectId(`${SGX}.3`), octets(Buffer.alloc(2))),
    sequence(objectId(`${SGX}.4`), octets(Buffer.from(FMSPC, "hex"))),
    sequence(objectId(`${SGX}.5`), enumerated(0)),
  );
  const rootCertificate = certificate(root, root, { serial: ROOT, from, until });
  const platformCertificate = certificate(platform, root, { serial: PLATFORM_AUTHORITY, from, until });
  const tcbCertificate = certificate(tcbSigner, root, { serial: TCB_SIGNING, from, until });
  const pckCertificate = certificate(pck, platform, {
    serial: PCK_SERIAL,
    from,
    until,
    extensions: [[SGX, platformData]],
  });
  const pckChain = [pckCertificate, platformCertificate, rootCertificate].map(pem).join("");
  const tcbChain = [tcbCertificate, rootCertificate].map(pem).join("");
  const attestationKey = Buffer.from(enclave.publicKey.export({ type: "spki", format: "der" }).subarray(-64));

  return {
    rootCertificate,
    quote(parts) {
      const body = Buffer.concat([header(), tdReport(parts)]);
      const authData = Buffer.alloc(32, 9);
      const qeReport = enclaveReport(createHash("sha256").update(attestationKey).update(authData).digest());
      const chain = Buffer.from(pckChain);
      const certified = Buffer.concat([
        qeReport,
        raw(qeReport, pck),
        u16(authData.length),
        authData,
        u16(5),
        u32(chain.length),
        chain,
      ]);
      const signature = Buffer.concat([raw(body, enclave), attestationKey, u16(6), u32(certified.length), certified]);
      return Buffer.concat([body, u32(signature.length), signature]);
    },
    collateral({ status = "UpToDate", revoked = [], rootRevoked = [], forgedBy, listsUntil } = {}) {
      const listEnd = listsUntil ?? now + 30 * DAY;
      const dates = {
        issueDate: new Date(from).toISOString(),
        nextUpdate: new Date(listEnd + DAY).toISOString(),
      };
      const levels = JSON.stringify({
        id: "TDX",
        version: 3,
        ...dates,
        fmspc: FMSPC,
        pceId: "0000",
        tcbType: 0,
        tcbEvaluationDataNumber: 17,
        tcbLevels: [
          {
            tcb: {
              sgxtcbcomponents: Array.from({ length: 16 }, () => ({ svn: 5 })),
              pcesvn: 11,
              tdxtcbcomponents: Array.from({ length: 16 }, () => ({ svn: 3 })),
            },
            tcbDate: dates.issueDate,
            tcbStatus: status,
          },
        ],
      });
      const identity = JSON.stringify({
        id: "TD_QE",
        version: 2,
        ...dates,
        tcbEvaluationDataNumber: 17,
        miscselect: "00000000",
        miscselectMask: "FFFFFFFF",
        attributes: "11000000000000000000000000000000",
        attributesMask: "FBFFFFFFFFFFFFFF0000000000000000",
        mrsigner: "DC".repeat(32),
        isvprodid: 2,
        tcbLevels: [{ tcb: { isvsvn: 4 }, tcbDate: dates.issueDate, tcbStatus: "UpToDate" }],
      });
      return {
        pck_crl_issuer_chain: [platformCertificate, rootCertificate].map(pem).join(""),
        root_ca_crl: revocationList(root, { from, until: listEnd, serials: rootRevoked }).toString("hex"),
        pck_crl: revocationList(forgedBy ?? platform, { from, until: listEnd, serials: revoked }).toString("hex"),
        tcb_info_issuer_chain: tcbChain,
        tcb_info: levels,
        tcb_info_signature: raw(Buffer.from(levels), tcbSigner).toString("hex"),
        qe_identity_issuer_chain: tcbChain,
        qe_identity: identity,
        qe_identity_signature: raw(Buffer.from(identity), tcbSigner).toString("hex"),
      };
    },
  };
}

function header(): Buffer {
  return Buffer.concat([
    u16(4),
    u16(2),
    u32(0x81),
    u16(0),
    u16(0),
    Buffer.from("939a7233f79c4ca9940a0db3957f0607", "hex"),
    Buffer.alloc(20),
  ]);
}

function tdReport({ reportData, mrTd, rtMr = [], debug = false, moduleSigner }: QuoteParts): Buffer {
  const attributes = Buffer.alloc(8);
  attributes[0] = debug ? 1 : 0;
  // SEPT_VE_DISABLE, without which a domain can be surprised by its host.
  attributes[3] = 0x10;
  return Buffer.concat([
    Buffer.alloc(16, 5),
    Buffer.alloc(48, 6),
    moduleSigner ?? Buffer.alloc(48),
    Buffer.alloc(8),
    attributes,
    Buffer.alloc(8),
    mrTd ?? Buffer.alloc(48, 0xaa),
    Buffer.alloc(3 * 48),
    ...[0, 1, 2, 3].map((index) => rtMr[index] ?? Buffer.alloc(48)),
    reportData,
  ]);
}

/** Report of the quoting enclave; its own report data holds the hash of the key that signs quotes. */
function enclaveReport(keyHash: Uint8Array): Buffer {
  const report = Buffer.alloc(384);
  report.fill(5, 0, 16);
  report[48] = 0x11;
  report.fill(0xdc, 128, 160);
  report.writeUInt16LE(2, 256);
  report.writeUInt16LE(4, 258);
  report.set(keyHash, 320);
  return report;
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
