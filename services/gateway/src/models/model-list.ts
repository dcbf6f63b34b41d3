import type { Buyer } from "@depinfer/client";
import { DepinferError, FEATURES, type Offer, PROOF_LEVELS, type ProofLevel, pricesToJson } from "@depinfer/protocol";
import { sendJson } from "../http-error.ts";
import type { RouteModules, RouteTable } from "../routes.ts";

/** `GET /v1/models` and `GET /v1/models/ID`. */
export function modelRoutes({ buyer, keyOf }: RouteModules): RouteTable {
  return {
    "/v1/models": {
      async GET(request, response) {
        await keyOf(request);
        sendJson(response, 200, modelList(buyer));
      },
    },
    "/v1/models/:id": {
      async GET(request, response, { id = "" }) {
        await keyOf(request);
        // A class is asked for by its id, as a model is, and so it is found.
        const offers = buyer.offers().filter(({ model, classId }) => model === id || classId === id);
        if (offers.length === 0) {
          throw unknownModel(id, buyer);
        }
        sendJson(response, 200, modelCard(id, offers));
      },
    },
  };
}

function modelList(buyer: Buyer) {
  return { object: "list", data: [...byModel(buyer)].map(([id, offers]) => modelCard(id, offers)) };
}

function byModel(buyer: Buyer): ReadonlyMap<string, readonly Offer[]> {
  return Map.groupBy(buyer.offers(), ({ model }) => model);
}

/** What a buyer wants to know of a model before asking. */
function modelCard(id: string, offers: readonly Offer[]) {
  const levels = PROOF_LEVELS.filter((level) => offers.some(({ proofLevel }) => proofLevel === level));
  const classes = [...new Map(offers.map((offer) => [offer.classId, offer])).values()];
  const cheapest = offers.toSorted((a, b) => Number(a.prices.outputPerMillion - b.prices.outputPerMillion))[0];
  return {
    id,
    object: "model",
    created: Math.floor(Math.min(...offers.map(({ issuedAt }) => issuedAt)) / 1000),
    owned_by: "depinfer",
    depinfer: {
      classes: classes.map(({ classId, runtimeClass }) => ({
        id: classId,
        quantisation: runtimeClass?.quantisation ?? null,
        engine: runtimeClass?.engine ?? null,
        backend: runtimeClass?.backend ?? null,
        weights: runtimeClass?.weights ?? null,
        providers: offers.filter((offer) => offer.classId === classId).length,
      })),
      proof_levels: levels,
      context_length: Math.max(...offers.map(({ contextLength }) => contextLength)),
      /** Those that at least one offer has; a request goes to the offers that have what it needs. */
      features: FEATURES.filter((feature) => offers.some(({ features }) => features?.includes(feature) === true)),
      providers: offers.length,
      slots: offers.reduce((sum, { slots }) => sum + slots, 0),
      idle_slots: offers.reduce((sum, { idleSlots }) => sum + idleSlots, 0),
      /** Units per million tokens, of the cheapest offer. */
      prices: cheapest === undefined ? null : pricesToJson(cheapest.prices),
      truth: levels.map((level) => ({ level, ...TRUTH[level] })),
    },
  };
}

/** What an answer of each level proves and what it leaves open, as the specification of the levels has it. */
const TRUTH: Readonly<Record<ProofLevel, { readonly proven: string; readonly open: string }>> = {
  none: {
    proven: "who answered, what was asked, the text and the price",
    open: "everything about the model",
  },
  greedy: {
    proven: "at temperature 0, weights that have this model's best tokens, within a tolerance",
    open: "finer precision; any temperature above 0",
  },
  seeded: {
    proven: "weights, precision, prompt, temperature and seed: every token can be drawn again",
    open: "what the provider keeps of the prompt; how fast it is; whether the model is any good",
  },
  replay: {
    proven: "weights, inputs and every bit of the output",
    open: "who computed it and when; what the provider keeps of the inputs",
  },
  attested: {
    proven: "as seeded or replay, and by hardware which program computed it",
    open: "the maker of the hardware; flaws of image and platform",
  },
  "attested-SIMULATED": {
    proven: "as seeded or replay",
    open: "everything about hardware: its quote is a simulation and proves nothing",
  },
};

function unknownModel(id: string, buyer: Buyer): DepinferError {
  const models = [...byModel(buyer).keys()];
  return new DepinferError({
    code: "model.unknown",
    message: `No provider serves the model ${JSON.stringify(id.slice(0, 300))}`,
    remedy: models.length === 0 ? "Wait until a provider is online" : `Ask for one of: ${models.join(", ")}`,
    metadata: { param: "model" },
  });
}
