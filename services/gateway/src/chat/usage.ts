import type { Usage } from "@depinfer/protocol";

/** What several answers used together. Each choice is an answer of its own, and is paid for with its prompt. */
export function totalUsage(answers: readonly { readonly usage: Usage }[]): Usage {
  const sum = (field: keyof Usage) => answers.reduce((total, { usage }) => total + usage[field], 0);
  return {
    promptTokens: sum("promptTokens"),
    cachedTokens: sum("cachedTokens"),
    outputTokens: sum("outputTokens"),
  };
}

export function usageBody({ promptTokens, cachedTokens, outputTokens }: Usage) {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: outputTokens,
    total_tokens: promptTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}
