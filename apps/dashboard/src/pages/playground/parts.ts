import type { GatewayWhy } from "@depinfer/protocol/api";

/** A part of an answer with a receipt of its own. */
export interface Part {
  readonly id: string;
  readonly provider: string;
}

/**
 * The requests that an answer is made of, in their order: the one that was answered first, and those that went on where
 * another one broke off. What was only tried is left out.
 */
export function partsOf(id: string, attempts: GatewayWhy["attempts"]): readonly Part[] {
  const went = attempts.flatMap(({ request, provider, kind }) =>
    request !== null && (request === id || kind === "continuation") ? [{ id: request, provider }] : [],
  );
  return went.filter((part, index) => went.findIndex((other) => other.id === part.id) === index);
}
