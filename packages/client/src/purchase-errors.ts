import { DepinferError, errorMessage, type Feature, meetsLevel, type Offer, type ProofLevel } from "@depinfer/protocol";
import type { Policy } from "./route.ts";

export function asError(cause: unknown): DepinferError {
  return cause instanceof DepinferError
    ? cause
    : new DepinferError({
        code: "buyer.internal",
        message: errorMessage(cause),
        remedy: "Report this with the gateway's log",
        cause,
      });
}

/** What of a request needs each feature. */
const PARAMETERS: Readonly<Record<Feature, string>> = {
  embedding: "model",
  json: "response_format",
  tools: "tools",
  logprobs: "logprobs",
  penalties: "frequency_penalty",
  logitBias: "logit_bias",
  topP: "top_p",
  continuation: "stream",
  images: "messages",
};

/** Where the parameter's name does not say what is not honoured. */
const WORDS: Partial<Readonly<Record<Feature, string>>> = {
  embedding: "embeddings",
  penalties: "frequency_penalty and presence_penalty",
  images: "images in messages",
};

/** Nobody who serves the model honours what a request needs, so waiting does not help. */
export function unsupported(model: string, feature: Feature): DepinferError {
  return new DepinferError({
    code: "request.unsupported",
    message: `No provider of ${JSON.stringify(model)} honours ${WORDS[feature] ?? PARAMETERS[feature]}`,
    remedy: "Leave it out, or ask for another model; /v1/models tells the features of each",
    metadata: { model, feature, param: PARAMETERS[feature] },
  });
}

export function cancelledError(): DepinferError {
  return new DepinferError({
    code: "request.cancelled",
    message: "The request was cancelled",
    remedy: "Nothing to do",
  });
}

/** Payment was looked into once, and the provider refuses it still. Nothing is paid or put into channels for another try. */
export function notSettled({ provider }: Pick<Offer, "provider">, cause: DepinferError): DepinferError {
  return new DepinferError({
    code: "payment.notSettled",
    message: `Provider ${provider} refuses the payment, though the channel was read again from the chain: ${cause.message}`,
    remedy: `${cause.remedy}. \`depinfer money where\` shows the channel; \`depinfer money withdraw\` takes back what is in it`,
    metadata: { provider, refusal: cause.code },
    cause,
  });
}

export function missingReceipt(): DepinferError {
  return new DepinferError({
    code: "provider.noReceipt",
    message: "The provider delivered an answer and signed no receipt for it",
    remedy: "Nothing was paid for it; ask again",
    retryable: true,
  });
}

/** An error when a receipt promises less than the request demanded, or null. */
export function levelError(
  level: ProofLevel,
  { minProofLevel: minimum = "none", ...policy }: Policy,
): DepinferError | null {
  return meetsLevel(level, minimum, policy)
    ? null
    : new DepinferError({
        code: "receipt.levelTooLow",
        message: `The receipt's proof level is ${level}, the request demanded at least ${minimum}`,
        remedy: "Do not rely on the answer; ask again, this provider is left out for a while",
        metadata: { level, minimum },
        retryable: true,
      });
}
