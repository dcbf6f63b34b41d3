import { readFileSync } from "node:fs";
import { join } from "node:path";
import { compilerArgs, forge, root } from "./contracts-forge.ts";

/** Those through which money passes. */
const MONEY =
  /^contracts\/src\/(Channels|FeeSplitter|RefundInsurance|StakeVault|TestUSD|passes\/\w+|disputes\/\w+|types\/\w+)\.sol$/;
const FLOOR = 0.95;
const REPORT = "contracts/cache/lcov.info";

/**
 * Which lines of the contracts the tests run. The optimizer is off, so that counters see every line; gas gates mean
 * nothing then and are left out. Stand-ins for other protocols' contracts are shown and not judged.
 */
export function coverage(): number {
  const { status } = forge(
    [
      "coverage",
      ...compilerArgs(),
      ...["--out", "contracts/cache/coverage-out", "--cache-path", "contracts/cache/coverage"],
      ...["--report", "lcov", "--report-file", REPORT, "--no-match-contract", "Gas"],
    ],
    { profile: "coverage", quiet: true },
  );
  if (status !== 0) {
    console.error("The tests failed under coverage. Run `npm run contracts -- test`.");
    return status;
  }
  const rows = readReport(readFileSync(join(root, REPORT), "utf8"));
  console.table(
    rows.map(({ file, found, hit }) => ({ file, lines: found, run: hit, share: `${share(hit, found)} %` })),
  );
  const low = rows.filter(({ file, found, hit }) => MONEY.test(file) && hit < FLOOR * found);
  for (const { file, hit, found } of low) {
    console.error(`${file}: the tests run ${share(hit, found)} % of its lines, and ${100 * FLOOR} % are wanted`);
  }
  return low.length === 0 ? 0 : 1;
}

/** The records of an lcov report that are about sources of ours. */
function readReport(report: string): { file: string; found: number; hit: number }[] {
  return report.split("end_of_record").flatMap((record) => {
    const file = /^SF:(.+)$/m.exec(record)?.[1] ?? "";
    if (!file.startsWith("contracts/src/")) {
      return [];
    }
    return [{ file, found: Number(/^LF:(\d+)$/m.exec(record)?.[1]), hit: Number(/^LH:(\d+)$/m.exec(record)?.[1]) }];
  });
}

function share(hit: number, found: number): string {
  return ((100 * hit) / found).toFixed(1);
}
