import type { IncomingHttpHeaders } from "node:http";
import { DepinferError, type RequestPolicy, requestPolicySchema } from "@depinfer/protocol";

/** How the text of a header becomes the value of a field. */
const READERS = {
  text: (value: string): unknown => value,
  number: (value: string): unknown => Number(value),
  flag: (value: string): unknown => (value === "true" ? true : value === "false" ? false : value),
  list: (value: string): unknown => value.split(",").map((entry) => entry.trim()),
};

/** Headers that say what `depinfer: {…}` in a body says, for clients whose library sends no bodies of its own making. */
const FIELDS: Readonly<Record<string, readonly [keyof RequestPolicy, keyof typeof READERS]>> = {
  "x-depinfer-max-input-price": ["maxInputPrice", "text"],
  "x-depinfer-max-output-price": ["maxOutputPrice", "text"],
  "x-depinfer-max-latency-ms": ["maxLatencyMs", "number"],
  "x-depinfer-region": ["regions", "list"],
  "x-depinfer-quantisation": ["quantisations", "list"],
  "x-depinfer-provider": ["providers", "list"],
  "x-depinfer-deny": ["deny", "list"],
  "x-depinfer-min-proof": ["minProof", "text"],
  "x-depinfer-audit": ["audit", "text"],
  "x-depinfer-privacy": ["privacy", "text"],
  "x-depinfer-hedge": ["hedge", "flag"],
};

/** Names of the headers that change who answers. */
export const POLICY_HEADERS: readonly string[] = Object.keys(FIELDS);

/** The policy that headers ask for. @throws DepinferError `request.invalid` naming the header. */
export function policyFromHeaders(headers: IncomingHttpHeaders): RequestPolicy {
  const fields: Partial<Record<keyof RequestPolicy, unknown>> = {};
  const names = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && name.startsWith("x-depinfer-")) {
      const [field, reader] = FIELDS[name] ?? refuse(name);
      fields[field] = READERS[reader](String(value));
      names.set(field, name);
    }
  }
  if (names.size === 0) {
    return {};
  }
  const parsed = requestPolicySchema.safeParse(fields);
  if (parsed.success) {
    return parsed.data;
  }
  const [issue] = parsed.error.issues;
  const header = names.get(String(issue?.path[0])) ?? "x-depinfer";
  throw new DepinferError({
    code: "request.invalid",
    message: `${header} is ${JSON.stringify(String(headers[header] ?? "").slice(0, 200))}: ${issue?.message ?? "not allowed"}`,
    remedy:
      "Give it as the documentation of routing policies says; lists are separated by commas, prices are units per million tokens",
    metadata: { param: header },
  });
}

/** A price cap that is misspelt must not look as if it were kept. */
function refuse(header: string): never {
  throw new DepinferError({
    code: "request.invalid",
    message: `Unknown header: ${header.slice(0, 200)}`,
    remedy: `Use one of ${POLICY_HEADERS.join(", ")}`,
    metadata: { param: header.slice(0, 200) },
  });
}
