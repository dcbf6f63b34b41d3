import { type ScoredPosition, TOP_K } from "@depinfer/proof";
import { type ChatMessage, parseBody } from "@depinfer/protocol";
import type { ScoringEngine } from "../engine.ts";

export type ServerKind = "vllm" | "llamacpp";

/** What vLLM says of a token whose probability is 0 to it. JSON has no infinity. */
export const LEAST = -9_999;

interface ScoringRequest {
  readonly prompt?: number[] | string;
  readonly tokens?: number[];
  readonly content?: string;
  readonly messages?: ChatMessage[];
  readonly prompt_logprobs?: number;
  readonly n_probs?: number;
}

/** The endpoints with which vLLM and llama-server let somebody score token ids, as far as they are used here. */
export function scoringEndpoints(
  engine: ScoringEngine,
  kind: ServerKind,
): Readonly<Record<string, (body: ScoringRequest) => Promise<object>>> {
  const detokenize = async ({ tokens = [] }: ScoringRequest) => engine.text([], tokens, []);
  return kind === "vllm"
    ? {
        "/tokenize": async ({ messages = [] }) => ({ tokens: tokensOf(engine, messages) }),
        "/detokenize": async (body) => ({ prompt: await detokenize(body) }),
        "/v1/completions": async ({ prompt = [], prompt_logprobs: count = 0 }) => {
          const ids = Array.isArray(prompt) ? prompt : [];
          const scored = await engine.score(ids.slice(0, 1), ids.slice(1));
          return {
            choices: [
              {
                index: 0,
                text: "",
                finish_reason: "length",
                prompt_logprobs: [
                  null,
                  ...scored.map((position) =>
                    Object.fromEntries(
                      ranked(position, count).map(([id, logprob], rank) => [
                        id,
                        { logprob, rank: rank + 1, decoded_token: "" },
                      ]),
                    ),
                  ),
                ],
              },
            ],
          };
        },
      }
    : {
        "/apply-template": async ({ messages = [] }) => ({ prompt: JSON.stringify(messages) }),
        "/tokenize": async ({ content = "[]" }) => ({ tokens: tokensOf(engine, JSON.parse(content)) }),
        "/detokenize": async (body) => ({ content: await detokenize(body) }),
        "/completion": async ({ prompt = [], n_probs: count = 0 }) => {
          const ids = Array.isArray(prompt) ? prompt : [];
          // The candidates after the prompt are those that any next token is scored against.
          const [found] = await engine.score(ids, [0]);
          const top = found === undefined ? [] : ranked({ ...found, chosen: found.tokens[0] ?? 0 }, count);
          return {
            content: "",
            stop: true,
            completion_probabilities: [
              { id: top[0]?.[0], logprob: top[0]?.[1], top_logprobs: top.map(([id, logprob]) => ({ id, logprob })) },
            ],
          };
        },
      };
}

function tokensOf(engine: ScoringEngine, messages: readonly ChatMessage[]): readonly number[] {
  const body = Buffer.from(JSON.stringify({ model: "served", messages }));
  return engine.prompt(parseBody("chat", body).generation).tokens;
}

/** The best candidates and the chosen token with their log-probabilities. */
function ranked({ tokens, logits, chosen, chosenLogit }: ScoredPosition, count: number): [number, number][] {
  const best = logits[0] ?? 0;
  const whole = best + Math.log(logits.slice(0, TOP_K).reduce((sum, logit) => sum + Math.exp(logit - best), 0));
  const top = tokens.slice(0, count).map((token, index): [number, number] => [token, (logits[index] ?? 0) - whole]);
  return top.some(([token]) => token === chosen) ? top : [...top, [chosen, Math.max(LEAST, chosenLogit - whole)]];
}
