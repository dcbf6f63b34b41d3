import { DepinferError, digestSha256, type Hex, NO_SAMPLER, type RuntimeClass, toHex, utf8 } from "@depinfer/protocol";
import type { UpstreamApi } from "./upstream-api.ts";

/**
 * The model to use at an upstream: the one that was named, or its first.
 *
 * @throws DepinferError `upstream.unknownModel`.
 */
export async function servedModel(api: UpstreamApi, wanted: string | undefined): Promise<string> {
  const available = (await api.models()).map(({ id }) => id);
  const model = wanted ?? available[0] ?? "unknown";
  if (!available.includes(model)) {
    throw new DepinferError({
      code: "upstream.unknownModel",
      message: `The upstream has no model ${JSON.stringify(model)}; it has ${available.join(", ")}`,
      remedy: "Pass one of these names",
      metadata: { model },
    });
  }
  return model;
}

/**
 * What runs behind an upstream is unknown; the class says so instead of pretending to know it. Weights are what the
 * operator declares, or else a hash of the model's name: two upstreams of one name then count as one model, and the
 * difference between them is what a check finds.
 */
export function upstreamClass(model: string, weights?: Hex): RuntimeClass {
  const unknown = toHex(digestSha256(utf8(`depinfer/upstream/1\n${model}`)));
  return {
    weights: weights ?? unknown,
    quantisation: "unknown",
    tokenizer: unknown,
    chatTemplate: unknown,
    engine: "openai-compatible upstream",
    backend: "unknown",
    flashAttention: false,
    keyCache: "unknown",
    valueCache: "unknown",
    microBatch: 1,
    sampler: NO_SAMPLER,
  };
}
