import { DepinferError, type ProofLevel } from "@depinfer/protocol";
import { tokenEvidence } from "./token-evidence.ts";
import type { UpstreamApi } from "./upstream-api.ts";

/*
 * Whether a server tells which tokens it chose. Without ids its answers cannot be scored by anybody, so its level is
 * `none`; what it tells is found out by asking it for two tokens, not by its name.
 */

export interface ProbeResult {
  readonly level: Extract<ProofLevel, "greedy" | "none">;
  /** Why it is `none`; empty for `greedy`. */
  readonly note: string;
}

/** Parameters that make servers tell ids and log-probabilities. Those that do not know one ignore or refuse it. */
export const EVIDENCE_PARAMETERS = {
  "chat/completions": { logprobs: true, top_logprobs: 1, return_token_ids: true, return_tokens_as_token_ids: true },
  completions: { logprobs: 1, return_token_ids: true, return_tokens_as_token_ids: true },
} as const;
export type GenerationPath = keyof typeof EVIDENCE_PARAMETERS;

const PROMPTS = {
  "chat/completions": { messages: [{ role: "user", content: "Hello" }] },
  completions: { prompt: "Hello" },
} as const;

/** @throws DepinferError what the server fails with, unless it refuses the parameters. */
export async function probeEvidence(api: UpstreamApi, model: string): Promise<ProbeResult> {
  for (const path of ["chat/completions", "completions"] as const) {
    const missing = await missingEvidence(api, model, path);
    if (missing !== null) {
      return { level: "none", note: `its answers cannot be checked: ${path} ${missing}` };
    }
  }
  return { level: "greedy", note: "" };
}

async function missingEvidence(api: UpstreamApi, model: string, path: GenerationPath): Promise<string | null> {
  const body = {
    model,
    ...PROMPTS[path],
    max_tokens: 2,
    temperature: 0,
    stream: true,
    ...EVIDENCE_PARAMETERS[path],
  };
  let ids = 0;
  let logprobs = 0;
  try {
    for await (const { choices } of api.stream(path, body)) {
      for (const choice of choices) {
        const evidence = tokenEvidence(choice);
        ids += evidence.ids.length;
        logprobs += evidence.logprobs?.length ?? 0;
      }
    }
  } catch (error) {
    if (error instanceof DepinferError && error.code === "upstream.refused" && !error.retryable) {
      // A server without this endpoint refuses every request to it, so nothing unproven can come from there.
      return error.metadata.status === 404 ? null : `refuses to give log-probabilities (${error.message})`;
    }
    throw error;
  }
  if (ids === 0) {
    return "gives no token ids";
  }
  return logprobs === 0 ? "gives no log-probabilities" : null;
}
