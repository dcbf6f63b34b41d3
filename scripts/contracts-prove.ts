import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { commit, root } from "./contracts-forge.ts";

const FOLDER = "contracts/proofs";
/** Codes of the model checker, solc 0.8: a check that it proved, and those that it refuted or could not decide. */
const PROVED = "9576";
const OPEN: readonly string[] = ["6328", "5840"];

interface Message {
  readonly errorCode?: string;
  readonly severity: string;
  readonly message: string;
}

/**
 * Has solc's model checker (Horn clauses, with the solver inside soljson) prove the assertions of `contracts/proofs` for
 * all inputs. Without a time limit, which soljson cannot keep: the solver stops at a fixed amount of work instead, so that
 * the outcome is the same on every machine. It decides linear arithmetic; of bit operations, as in `ChannelSlot`, it
 * decides nothing within that amount, and those are left to the fuzzer.
 */
export function prove(args: readonly string[]): number {
  const solc: { compile(input: string): string } = createRequire(import.meta.url)("solc");
  const measured = commit();
  const rows = readdirSync(join(root, FOLDER)).map((file) => {
    const content = readFileSync(join(root, FOLDER, file), "utf8");
    const started = performance.now();
    const input = {
      language: "Solidity",
      sources: { [file]: { content } },
      settings: {
        modelChecker: { engine: "chc", targets: ["assert"], showProvedSafe: true, showUnproved: true },
        outputSelection: { "*": { "*": ["abi"] } },
      },
    };
    const { errors = [] }: { errors?: readonly Message[] } = JSON.parse(solc.compile(JSON.stringify(input)));
    const failed = errors.filter(({ errorCode = "", severity }) => severity === "error" || OPEN.includes(errorCode));
    for (const { message } of failed) {
      console.error(`${file}: ${message}`);
    }
    return {
      proof: file.replace(".sol", ""),
      assertions: content.match(/\bassert\(/g)?.length ?? 0,
      proved: errors.filter(({ errorCode }) => errorCode === PROVED).length,
      open: failed.length,
      seconds: Math.round((performance.now() - started) / 100) / 10,
    };
  });
  console.table(rows);
  const whole = rows.every(({ assertions, proved, open }) => open === 0 && proved === assertions);
  if (whole && args.includes("--save")) {
    const path = "bench/results/proofs.json";
    const proved = rows.reduce((sum, row) => sum + row.proved, 0);
    const result = { name: "proofs", at: new Date().toISOString(), commit: measured, rows, summary: { proved } };
    writeFileSync(join(root, path), `${JSON.stringify(result, null, 2)}\n`);
    console.log(`wrote ${path}`);
  }
  return whole ? 0 : 1;
}
