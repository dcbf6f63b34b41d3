import { formatUsd } from "@depinfer/protocol";
import { z } from "zod";
import type { GatewayClient } from "../gateway-client.ts";
import { printTable } from "../table.ts";

const offer = z.object({
  provider: z.string(),
  peerId: z.string(),
  model: z.string(),
  classId: z.string(),
  proofLevel: z.string(),
  prices: z.object({ inputPerMillion: z.string(), cachedInputPerMillion: z.string(), outputPerMillion: z.string() }),
  contextLength: z.number(),
  slots: z.number(),
  idleSlots: z.number(),
  region: z.string(),
  expiresAt: z.number(),
  adversary: z.string().optional(),
});
const offerList = z.object({ data: z.array(offer) });

/** `depinfer offers` and `depinfer providers`: who serves what, and for how much. */
export async function offers(client: GatewayClient, json: boolean): Promise<void> {
  const { data } = await client.get("/v1/offers", offerList);
  if (json) {
    console.log(JSON.stringify(data));
    return;
  }
  if (data.length === 0) {
    console.log("No provider is online. `npm start` starts a network with four.");
    return;
  }
  const perMillion = (text: string) => formatUsd(BigInt(text));
  printTable(
    data.map((entry) => ({
      provider: entry.provider,
      model: entry.model,
      class: entry.classId.slice(0, 10),
      proof: entry.proofLevel,
      "input / M": perMillion(entry.prices.inputPerMillion),
      "output / M": perMillion(entry.prices.outputPerMillion),
      slots: `${entry.idleSlots}/${entry.slots}`,
      region: `${entry.region} (declared)`,
      note: entry.adversary === undefined ? "" : `TEST ADVERSARY: ${entry.adversary}`,
    })),
  );
}

const modelList = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      depinfer: z.object({
        classes: z.array(z.string()),
        proof_levels: z.array(z.string()),
        context_length: z.number(),
        providers: z.number(),
        slots: z.number(),
      }),
    }),
  ),
});

/** `depinfer models`. */
export async function models(client: GatewayClient, json: boolean): Promise<void> {
  const { data } = await client.get("/v1/models", modelList);
  if (json) {
    console.log(JSON.stringify(data));
    return;
  }
  printTable(
    data.map(({ id, depinfer }) => ({
      model: id,
      proof: depinfer.proof_levels.join(", "),
      context: depinfer.context_length,
      providers: depinfer.providers,
      slots: depinfer.slots,
    })),
  );
}

const why = z.object({
  attempts: z.array(
    z.object({
      request: z.string().nullable(),
      kind: z.enum(["first", "retry", "hedge", "continuation"]),
      provider: z.string(),
      outcome: z.string(),
      others: z.array(z.object({ provider: z.string(), reason: z.string() })),
    }),
  ),
});

const ASKED = {
  first: "was drawn",
  retry: "was drawn next",
  hedge: "was asked as well, because the first token took long",
  continuation: "was drawn to go on with the answer",
} as const;

/** `depinfer why REQUEST`: which providers were asked, and why each other one was not. */
export async function explain(client: GatewayClient, id: string, json: boolean): Promise<void> {
  const found = await client.get(`/v1/requests/${encodeURIComponent(id)}/why`, why);
  if (json) {
    console.log(JSON.stringify(found));
    return;
  }
  for (const { kind, provider, outcome, others } of found.attempts) {
    console.log(`${provider} ${ASKED[kind]}: ${outcome}.`);
    for (const other of others) {
      console.log(`  ${other.provider} ${other.reason}.`);
    }
  }
}
