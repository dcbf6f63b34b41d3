import { DepinferError } from "@depinfer/protocol";
import type { z } from "zod";

/** The value that a schema makes of a body. @throws DepinferError `request.invalid` naming the parameter. */
export function checked<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) {
    return parsed.data;
  }
  const issue = deepest(parsed.error.issues);
  const unknownKeys = issue?.code === "unrecognized_keys" ? issue.keys : [];
  const path = [...(issue?.path ?? []), ...unknownKeys.slice(0, 1)].map(String).join(".");
  throw invalid(
    path,
    unknownKeys.length > 0
      ? `Unknown parameter: ${path}`
      : `Invalid value for ${path === "" ? "the body" : path}: ${issue?.message ?? "not allowed"}`,
  );
}

export function invalid(param: string, message: string): DepinferError {
  return new DepinferError({
    code: "request.invalid",
    message,
    remedy: "Remove the parameter or give it a value that this endpoint honours",
    metadata: { param: param === "" ? null : param },
  });
}

type Issue = z.core.$ZodIssue;

/** Of a union the alternative that fits best says what is wrong: the one whose fault lies deepest. */
function deepest(issues: readonly Issue[], path: readonly PropertyKey[] = []): Issue | undefined {
  const [issue] = issues;
  if (issue === undefined) {
    return undefined;
  }
  const here = [...path, ...issue.path];
  if (issue.code === "invalid_union") {
    const inner = issue.errors.flatMap((alternative) => deepest(alternative, here) ?? []);
    const best = inner.sort((a, b) => b.path.length - a.path.length)[0];
    if (best !== undefined && best.path.length > here.length) {
      return best;
    }
  }
  return { ...issue, path: here };
}
