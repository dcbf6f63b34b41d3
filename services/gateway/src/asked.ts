import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Policy } from "@depinfer/client";
import {
  type AuditFlag,
  type Endpoint,
  levelOfGeneration,
  type MinimumLevel,
  mergePolicies,
  type ParsedBody,
  parseBody,
  type RequestPolicy,
  strictestLevel,
} from "@depinfer/protocol";
import { readBody } from "./http-guard.ts";
import { askedHash } from "./idempotency.ts";
import { checkDepth } from "./json-depth.ts";
import { type Shape, shapeOf } from "./output.ts";
import { POLICY_HEADERS, policyFromHeaders } from "./policy-headers.ts";

export interface AskedOptions {
  readonly bodyLimit: number;
  /** What every answer has to be provable at least; requests may demand more, never less. */
  readonly minProofLevel: MinimumLevel;
  readonly allowSimulatedAttestation: boolean;
  /** What the key's owner wants where a request says nothing. */
  readonly defaults?: RequestPolicy | null;
}

/** What a client wants, whoever pays for it. */
export interface Asked {
  readonly endpoint: Endpoint;
  /** Byte for byte. */
  readonly body: Uint8Array;
  readonly parsed: ParsedBody;
  readonly policy: Policy;
  readonly audit: AuditFlag;
  /** Gives the answer the form that its client reads. */
  readonly shape: Shape;
  /** Equal for requests that ask for the same. */
  readonly hash: string;
}

/** An API of its own form whose requests are turned into some that the market answers. */
export interface Translator {
  /** Tells requests to it from others with the same body. */
  readonly name: string;
  readonly endpoint: Endpoint;
  /** The body for the market, and the form of its answer. @throws DepinferError `request.*`. */
  translate(body: Uint8Array): Translated | Promise<Translated>;
}

export interface Translated {
  readonly body: Uint8Array;
  readonly shape: Shape;
}

/** How a request came: straight to an endpoint of the market, or through a translator. */
export type Entrance = Endpoint | Translator;

/** Reads and validates a request for an answer. @throws DepinferError `request.*`. */
export async function readAsked(entrance: Entrance, request: IncomingMessage, options: AskedOptions): Promise<Asked> {
  return askedOf(entrance, await readBody(request, options.bodyLimit), request.headers, options);
}

/** Validates a body that was read already. @throws DepinferError `request.*`. */
export async function askedOf(
  entrance: Entrance,
  given: Uint8Array,
  headers: IncomingHttpHeaders,
  { minProofLevel, allowSimulatedAttestation, defaults }: Omit<AskedOptions, "bodyLimit">,
): Promise<Asked> {
  checkDepth(given);
  const name = typeof entrance === "string" ? entrance : entrance.name;
  const endpoint = typeof entrance === "string" ? entrance : entrance.endpoint;
  const { body, shape } =
    typeof entrance === "string" ? { body: given, shape: shapeOf(entrance) } : await entrance.translate(given);
  const parsed = parseBody(endpoint, body);
  // Who asks may loosen what the key's owner set as a default, but never the level of proof.
  const { minProof, audit, ...wanted } = mergePolicies([defaults, policyFromHeaders(headers), parsed.policy]);
  return {
    endpoint,
    body,
    parsed,
    policy: {
      ...wanted,
      model: parsed.model,
      features: parsed.features,
      minProofLevel: strictestLevel([minProofLevel, minProof, parsed.minProofLevel]),
      allowSimulatedAttestation,
      temperature: parsed.generation.temperature,
      shaped: levelOfGeneration("greedy", { ...parsed.generation, temperature: 0 }) === "none",
    },
    audit: audit ?? "validator",
    shape,
    // Few requests are ever compared with another.
    get hash() {
      return askedHash([name, ...POLICY_HEADERS.map((header) => String(headers[header] ?? "")), given]);
    },
  };
}
