import type { Buyer, RequestsOf } from "@depinfer/client";
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
  const channel = buyer.channels().find((one) => one.id === stored.channelId);
  return {
    id,
    state: stored.state,
    fault: stored.fault,
    model: stored.model,
    provider: stored.provider,
    cost: stored.cost.toString(),
    startedAt: stored.startedAt,
    channelId: stored.channelId,
    pass: stored.pass,
    channel: channel === undefined ? null : { id: channel.id, owed: channel.owed, settled: channel.settled },
    receipt: stored.signed === null ? null : receiptToJson(stored.signed),
    transcript: buyer.transcript(id) ?? null,
    runtimeClass:
      buyer.offers().find(({ classId }) => classId === stored.signed?.receipt.classId)?.runtimeClass ?? null,
  };
}

/** `GET /v1/receipts`: requests of a key, newest first. @param before the last one of the page before. */
export function receiptPage(buyer: Buyer, key: ApiKey, limit: number, before: RequestsOf["before"]) {
  const found = buyer.requests(limit + 1, { account: key.name, ...(before === undefined ? {} : { before }) });
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    object: "list",
    data: page.map(({ id, state, fault, model, provider, channelId, cost, startedAt, pass, signed }) => ({
      id,
      state,
      fault,
      model,
      provider,
      channelId,
      cost,
      startedAt,
      pass,
      finishedAt: signed?.receipt.finishedAt ?? null,
      promptTokens: signed?.receipt.promptTokens ?? null,
      outputTokens: signed?.receipt.outputTokens ?? null,
      proofLevel: signed?.receipt.proofLevel ?? null,
    })),
    next: found.length > limit && last !== undefined ? `${last.startedAt}-${last.id}` : null,
  };
}
