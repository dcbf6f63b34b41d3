import type { Buyer } from "@depinfer/client";
import { DepinferError } from "@depinfer/protocol";
import type { ApiKey } from "./keys.ts";

/** A request's id, or the id of the answer that was made of it, which begins with the same digits. */
const WHY = /^\/v1\/requests\/(?:0x|[a-z]+[-_])([0-9a-f]{32,64})\/why$/;

/** The digits in `/v1/requests/ID/why`, or null for another path. */
export function whyPath(path: string): string | null {
  return WHY.exec(path)?.[1] ?? null;
}

/** `GET /v1/requests/ID/why`: which providers were asked for an answer, and why each other one was not. */
export function whyView(buyer: Buyer, key: ApiKey, digits: string) {
  const story = buyer.story(`0x${digits}`);
  const own = story?.attempts.some(
    ({ requestId }) => requestId !== null && buyer.request(requestId)?.account === key.name,
  );
  if (story === undefined || own !== true) {
    throw new DepinferError({
      code: "request.unknown",
      message: `This gateway remembers no request ${digits} of this key`,
      remedy:
        "Ask the gateway that answered, soon after the answer, with the key that made the request and its receipt's or completion's id",
      metadata: { requestId: digits },
    });
  }
  const { policy, attempts } = story;
  return {
    object: "request.why",
    policy: {
      ...policy,
      maxInputPrice: policy.maxInputPrice?.toString(),
      maxOutputPrice: policy.maxOutputPrice?.toString(),
    },
    attempts: attempts.map(({ requestId, kind, provider, peerId, at, outcome, rejected }) => ({
      request: requestId,
      kind,
      provider,
      peer: peerId,
      at,
      outcome: outcome ?? "under way",
      others: rejected.map((other) => ({ provider: other.provider, peer: other.peerId, reason: other.reason })),
    })),
  };
}
