/**
 * Writes the 32 largest logits at each position of some held-out conversations, as llama.cpp computes them, for
 * train/compare.py.
 *
 *   node evaluate/logits.ts --model FILE.gguf --data DIR --out logits.json
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { ControlledEvaluateInputItem } from "node-llama-cpp";
import { dialogue, loadEngine, promptTokens } from "./engine.ts";
import { readConversations } from "./score.ts";

const { values } = parseArgs({
  options: {
    model: { type: "string" },
    data: { type: "string" },
    out: { type: "string" },
    count: { type: "string", default: "8" },
  },
});
if (!values.model || !values.data || !values.out)
  throw new Error("Usage: logits.ts --model FILE --data DIR --out FILE");
const { model, sequence } = await loadEngine(values.model);
const out = [];
for (const conversation of readConversations(join(values.data, "dev.jsonl"), Number(values.count))) {
  const tokens = promptTokens(model, dialogue(conversation).messages);
  await sequence.clearHistory();
  const wanted = { generateNext: { logits: { filter: { tokens: [], includeTop: 32 } } } };
  const results = await sequence.controlledEvaluate(
    tokens.map((token): ControlledEvaluateInputItem => [token, wanted]),
  );
  out.push({ tokens, top: results.map((result) => Array.from(result?.next?.logits ?? [])) });
}
writeFileSync(values.out, JSON.stringify(out));
process.exit(0);
