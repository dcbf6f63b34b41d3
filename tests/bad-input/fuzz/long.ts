/*
 * node --conditions=source tests/bad-input/fuzz/long.ts [--count 1000000] [--seed 1] [--save]
 *
 * As many bad inputs in all, spread over the decoders. --save writes bench/results/fuzz.json. An input that was neither taken
 * nor refused with a typed error is printed, and the exit code is 1.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { commit, machine, projectRoot } from "../../../bench/measure/machine.ts";
import { DECODERS } from "./decoders.ts";
import { type FuzzOutcome, fuzz } from "./run.ts";

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "1000000" },
    seed: { type: "string", default: "1" },
    save: { type: "boolean", default: false },
  },
});
const measured = await commit();
const each = Math.ceil(Number(values.count) / DECODERS.length);
const outcomes: FuzzOutcome[] = [];
const started = performance.now();
for (const [index, decoder] of DECODERS.entries()) {
  const outcome = await fuzz(decoder, each, Number(values.seed) + index);
  outcomes.push(outcome);
  const { name, inputs, taken, refused, faults, slowestMs } = outcome;
  console.error(
    `${name}: ${inputs} inputs, ${taken} taken, ${refused} refused, ${faults.length} faults, slowest ${Math.round(slowestMs)} ms`,
  );
  for (const fault of faults) {
    console.log(`${name}: ${fault}`);
  }
}
const sum = (figure: (outcome: FuzzOutcome) => number) =>
  outcomes.reduce((total, outcome) => total + figure(outcome), 0);
const faults = sum(({ faults }) => faults.length);

if (values.save) {
  const report = {
    name: "fuzz",
    at: new Date().toISOString(),
    machine: machine(),
    commit: measured,
    seed: Number(values.seed),
    inputs: sum(({ inputs }) => inputs),
    taken: sum(({ taken }) => taken),
    refused: sum(({ refused }) => refused),
    faults,
    seconds: Math.round((performance.now() - started) / 1000),
    decoders: outcomes.map(({ name, inputs, taken, refused, slowestMs }) => ({
      name,
      inputs,
      taken,
      refused,
      slowestMs: Number(slowestMs.toPrecision(3)),
    })),
  };
  writeFileSync(join(projectRoot, "bench/results/fuzz.json"), `${JSON.stringify(report, null, 2)}\n`);
}
process.exitCode = faults > 0 ? 1 : 0;
