/*
 * node --conditions=source simulation/histories/long.ts [--count 100000] [--seed N] [--save]
 *
 * Many histories, in one process. --save writes bench/results/histories.json. A history that fails is printed, and the exit
 * code is 1.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { sample } from "fast-check";
import { commit, machine, projectRoot } from "../../bench/measure/machine.ts";
import { history } from "./commands.ts";
import { createDiskFolder } from "./disk.ts";
import { createHistories } from "./run-history.ts";

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "100000" },
    seed: { type: "string", default: "1" },
    save: { type: "boolean", default: false },
  },
});
const wanted = Number(values.count);
const firstSeed = Number(values.seed);
const PART = 1_000;
const measured = await commit();
const folder = createDiskFolder();
const run = createHistories(folder.path);
const totals = { histories: 0, failed: 0, answers: 0, crashes: 0, steps: 0, claimed: 0n, seconds: 0 };
const started = performance.now();

for (let part = 0; totals.histories < wanted; part++) {
  const size = Math.min(PART, wanted - totals.histories);
  for (const one of sample(history, { numRuns: size, seed: firstSeed + part })) {
    const outcome = await run(one);
    totals.histories += 1;
    totals.answers += outcome.answers;
    totals.crashes += outcome.crashes;
    totals.steps += outcome.steps;
    totals.claimed += outcome.claimed;
    if (outcome.faults.length > 0) {
      totals.failed += 1;
      console.log(JSON.stringify(one));
      console.log(`  ${outcome.faults.join("\n  ")}`);
    }
  }
  totals.seconds = Math.round((performance.now() - started) / 1000);
  console.error(`${totals.histories} histories, ${totals.failed} failed, ${totals.seconds} s`);
}
folder.remove();

if (values.save) {
  const results = join(projectRoot, "bench/results");
  mkdirSync(results, { recursive: true });
  const report = {
    name: "histories",
    at: new Date().toISOString(),
    machine: machine(),
    commit: measured,
    seed: firstSeed,
    ...totals,
    claimed: totals.claimed.toString(),
  };
  writeFileSync(join(results, "histories.json"), `${JSON.stringify(report, null, 2)}\n`);
}
process.exit(totals.failed === 0 ? 0 : 1);
