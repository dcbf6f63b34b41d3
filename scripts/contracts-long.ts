import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { commit, compilerArgs, forge, root } from "./contracts-forge.ts";

/** The contracts that hold money, whose invariants are searched with a million calls together. */
const INVARIANTS = "^(Channels|Passes|FeeSplitter|StakeVault)InvariantTest$";
/** `profile.long.invariant` of `contracts/foundry.toml`. */
const DEPTH = 256;

interface Suite {
  readonly duration: string;
  readonly test_results: Readonly<Record<string, { readonly status: string; readonly kind: Kind }>>;
}

interface Kind {
  readonly Invariant?: { readonly runs: number; readonly calls: number; readonly reverts: number };
}

/** Searches the invariants of money for long; with `--save` the figures become `bench/results/invariants.json`. */
export function long(args: readonly string[]): number {
  const at = new Date().toISOString();
  const measured = commit();
  const { status, output } = forge(["test", ...compilerArgs(), "--match-contract", INVARIANTS, "--json"], {
    profile: "long",
    quiet: true,
  });
  const suites: Readonly<Record<string, Suite>> = JSON.parse(output.slice(output.indexOf('{"contracts/')));
  const rows = Object.entries(suites).flatMap(([path, { duration, test_results }]) =>
    Object.entries(test_results).flatMap(([test, result]) => {
      const search = result.kind.Invariant;
      if (search === undefined) {
        return [];
      }
      return [
        {
          contract: path.split(":").at(-1)?.replace("InvariantTest", "") ?? path,
          invariant: test.replace("()", ""),
          status: result.status,
          runs: search.runs,
          depth: DEPTH,
          calls: search.calls,
          reverts: search.reverts,
          seconds: seconds(duration),
        },
      ];
    }),
  );
  console.table(rows);
  if (status === 0 && args.includes("--save")) {
    const path = "bench/results/invariants.json";
    const calls = rows.reduce((sum, row) => sum + row.calls, 0);
    const result = { name: "invariants", at, commit: measured, rows, summary: { calls } };
    writeFileSync(join(root, path), `${JSON.stringify(result, null, 2)}\n`);
    console.log(`wrote ${path}`);
  }
  return status;
}

/** forge writes `1m 2s 3ms 4µs 5ns`, leaving out what is zero. */
function seconds(duration: string): number {
  const units: Readonly<Record<string, number>> = { h: 3_600, m: 60, s: 1, ms: 1e-3, µs: 1e-6, ns: 1e-9 };
  const parts = [...duration.matchAll(/([\d.]+)(h|ms|m|s|µs|ns)/g)];
  return Math.round(parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (units[unit ?? ""] ?? 0), 0));
}
