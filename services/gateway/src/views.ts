import type { Buyer } from "@depinfer/client";
import { DepinferError, type Hex, pricesToJson, receiptToJson } from "@depinfer/protocol";
import type { ApiKey } from "./keys.ts";

/** `GET /v1/offers`: the routing table as this gateway sees it. */
export function offerList(buyer: Buyer) {
  return { object: "list", data: buyer.offers().map((offer) => ({ ...offer, prices: pricesToJson(offer.prices) })) };
}

/** `GET /v1/receipts/ID`: everything needed to verify one answer. Only for the key that asked. */
export function receiptView(buyer: Buyer, key: ApiKey, id: Hex) {
  const stored = buyer.request(id);
  if (stored === undefined || stored.account !== key.name) {
    throw new DepinferError({
      code: "receipt.unknown",
      message: `This gateway has no request ${id} of this key`,
      remedy: "Pass the value of the x-depinfer-receipt header, with the key that made the request",
      metadata: { requestId: id },
    });
  }
  return {
    id,
    state: stored.state,
    fault: stored.fault,
    model: stored.model,
    provider: stored.provider,
    cost: stored.cost.toString(),
    startedAt: stored.startedAt,
    receipt: stored.signed === null ? null : receiptToJson(stored.signed),
    transcript: buyer.transcript(id) ?? null,
    runtimeClass:
      buyer.offers().find(({ classId }) => classId === stored.signed?.receipt.classId)?.runtimeClass ?? null,
  };
}

/** `GET /v1/receipts`: the newest requests of a key. */
export function receiptList(buyer: Buyer, key: ApiKey, limit: number) {
  return {
    object: "list",
    data: buyer
      .requests(limit)
      .filter(({ account }) => account === key.name)
      .map(({ id, state, model, provider, cost, startedAt, signed }) => ({
        id,
        state,
        model,
        provider,
        cost: cost.toString(),
        startedAt,
        outputTokens: signed?.receipt.outputTokens ?? null,
      })),
  };
}
