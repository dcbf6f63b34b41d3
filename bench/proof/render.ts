/*
 * Writes the page, the plots and the quoted figures of the proof benchmark again from the results that were saved, for
 * when those of another benchmark that it quotes were measured anew:
 *
 *   node --conditions=source bench/proof/render.ts
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { charts, costFigures, page } from "./report.ts";
import { resultsFolder, savedResult, savedSchema } from "./saved-results.ts";

const saved = savedResult("proof");
if (saved === null) {
  console.error("There is no result to render: run `npm run bench -- proof --save` first.");
  process.exit(1);
}
const path = join(resultsFolder, "proof.json");
const result = savedSchema.loose().parse(JSON.parse(readFileSync(path, "utf8")));
const summary = { ...result.summary, ...costFigures() };
writeFileSync(path, `${JSON.stringify({ ...result, summary }, null, 2)}\n`);
const files = { "proof.md": page(saved.rows, summary), ...charts(saved.rows) };
for (const [file, text] of Object.entries(files)) {
  writeFileSync(join(resultsFolder, file), text);
  console.log(`bench/results/${file}`);
}
