/*
 * Writes the page and the plots of the proof benchmark again from the results that were saved, for when those of
 * another benchmark that the page quotes were measured anew:
 *
 *   node --conditions=source bench/proof/render.ts
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { charts, page } from "./report.ts";
import { resultsFolder, savedResult } from "./saved-results.ts";

const saved = savedResult("proof");
if (saved === null) {
  console.error("There is no result to render: run `npm run bench -- proof --save` first.");
  process.exit(1);
}
const files = { "proof.md": page(saved.rows, saved.summary), ...charts(saved.rows) };
for (const [file, text] of Object.entries(files)) {
  writeFileSync(join(resultsFolder, file), text);
  console.log(`bench/results/${file}`);
}
