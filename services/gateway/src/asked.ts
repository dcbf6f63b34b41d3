import type { IncomingMessage } from "node:http";
import type { Policy } from "@depinfer/client";
import {
  AUDIT_FLAGS,
  type AuditFlag,
  addressSchema,
  DepinferError,
  type Endpoint,
  type Hex,
  type MinimumLevel,
  type ParsedBody,
  parseBody,
  parseMinimumLevel,
  strictestLevel,
} from "@depinfer/protocol";
import { readBody } from "./http-guard.ts";
import { askedHash } from "./idempotency.ts";

export interface AskedOptions {
  readonly bodyLimit: number;
  /** What every answer has to be provable at least; requests may demand more, never less. */
  readonly minProofLevel: MinimumLevel;
  readonly allowSimulatedAttestation: boolean;
}

/** What a client wants, whoever pays for it. */
export interface Asked {
  readonly endpoint: Endpoint;
  /** Byte for byte. */
  readonly body: Uint8Array;
  readonly parsed: ParsedBody;
  readonly policy: Policy;
  readonly audit: AuditFlag;
  /** Equal for requests that ask for the same. */
  readonly hash: string;
}

/** Headers that change what is asked for. */
const HEADERS = ["x-depinfer-min-proof", "x-depinfer-audit", "x-depinfer-provider"];

/** Reads and validates a request for an answer. @throws DepinferError `request.*`. */
export async function readAsked(
  endpoint: Endpoint,
  request: IncomingMessage,
  { bodyLimit, minProofLevel, allowSimulatedAttestation }: AskedOptions,
): Promise<Asked> {
  const body = await readBody(request, bodyLimit);
  const parsed = parseBody(endpoint, body);
  return {
    endpoint,
    body,
    parsed,
    policy: {
      model: parsed.model,
      providers: wantedProviders(request),
      minProofLevel: strictestLevel([minProofLevel, levelHeader(request), parsed.minProofLevel]),
      allowSimulatedAttestation,
      temperature: parsed.generation.temperature,
    },
    audit: auditHeader(request),
    // Few requests are ever compared with another.
    get hash() {
      return askedHash([endpoint, ...HEADERS.map((name) => String(request.headers[name] ?? "")), body]);
    },
  };
}

/** The level that the `x-depinfer-min-proof` header demands, or null. */
function levelHeader(request: IncomingMessage): MinimumLevel | null {
  const header = request.headers["x-depinfer-min-proof"];
  return header === undefined ? null : parseMinimumLevel(String(header), "x-depinfer-min-proof");
}

/** Who may see the request when the answer is audited: the `x-depinfer-audit` header, by default the drawn validator. */
function auditHeader(request: IncomingMessage): AuditFlag {
  const header = request.headers["x-depinfer-audit"] ?? "validator";
  const flag = AUDIT_FLAGS.find((known) => known === header);
  if (flag === undefined) {
    throw new DepinferError({
      code: "request.invalid",
      message: `x-depinfer-audit is ${JSON.stringify(header)}`,
      remedy: `Say who may see the request when its answer is audited: ${AUDIT_FLAGS.join(", ")}`,
      metadata: { param: "x-depinfer-audit" },
    });
  }
  return flag;
}

/** Accounts in the `x-depinfer-provider` header, separated by commas: nobody else may answer. */
function wantedProviders(request: IncomingMessage): Hex[] {
  const wanted = request.headers["x-depinfer-provider"];
  const accounts = typeof wanted === "string" ? wanted.split(",").map((account) => account.trim()) : [];
  return accounts.map((account) => {
    const parsed = addressSchema.safeParse(account);
    if (!parsed.success) {
      throw new DepinferError({
        code: "request.invalid",
        message: `x-depinfer-provider holds ${JSON.stringify(account)}, which is not an account`,
        remedy: "Name accounts as 0x and 40 hexadecimal digits, as /v1/offers shows them",
        metadata: { param: "x-depinfer-provider" },
      });
    }
    return parsed.data;
  });
}
