/*
 * Checks the import table: which workspace may import which. Libraries never know services, services meet only through
 * the protocol's messages, and `protocol`, `economics` and `proof` run in a browser. Reads imports as text, which is
 * enough since they stand at the top of a file.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

const root = join(import.meta.dirname, "..");

/** Composition roots may import anything. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  "packages/protocol": [],
  "packages/economics": [],
  "packages/proof": ["protocol"],
  "packages/journal": ["protocol"],
  "packages/network": ["protocol"],
  "packages/chain": ["protocol"],
  "packages/inference": ["protocol", "proof"],
  "packages/client": ["protocol", "economics", "proof", "network", "chain", "journal"],
  "services/node": ["protocol", "proof", "network", "chain", "journal", "inference"],
  "services/gateway": ["protocol", "economics", "network", "chain", "client", "journal"],
  "services/validator": ["protocol", "proof", "network", "chain", "journal", "inference", "client"],
  "services/indexer": ["protocol", "economics", "network", "chain"],
  "apps/dashboard": ["protocol", "economics", "proof"],
  models: [],
};
/** These run in a browser: no Node module, no clock, no randomness but what is passed in. */
const PURE = ["packages/protocol", "packages/economics", "packages/proof"];
const IMPURE = [
  /from "node:/,
  /\bBuffer\b/,
  /\bDate\.now\(/,
  /\bnew Date\(\)/,
  /\bMath\.random\(/,
  /\bperformance\.now\(/,
  /\bcrypto\.(getRandomValues|randomUUID)\(/,
];

const faults: string[] = [];

function* sources(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory() && entry.name !== "node_modules" && entry.name !== "dist") {
      yield* sources(join(folder, entry.name));
    } else if (/\.tsx?$/.test(entry.name)) {
      yield join(folder, entry.name);
    }
  }
}

for (const [workspace, allowed] of Object.entries(ALLOWED)) {
  for (const path of sources(join(root, workspace))) {
    const text = readFileSync(path, "utf8");
    const name = relative(root, path);
    const test = name.endsWith(".test.ts");
    for (const [, imported] of text.matchAll(/(?:from|import)\s*\(?\s*"@depinfer\/([a-z]+)/g)) {
      if (
        imported !== undefined &&
        !allowed.includes(imported) &&
        !(test && imported === workspace.split("/").at(-1))
      ) {
        faults.push(
          `${name} imports @depinfer/${imported}; ${workspace} may import ${allowed.join(", ") || "nothing of ours"}`,
        );
      }
    }
    if (PURE.includes(workspace) && !test) {
      faults.push(
        ...IMPURE.filter((pattern) => pattern.test(text)).map(
          (pattern) => `${name} matches ${pattern}, and ${workspace} must be pure`,
        ),
      );
    }
  }
}

for (const fault of faults) {
  console.error(fault);
}
console.log(
  faults.length === 0 ? "The import table holds." : `${faults.length} imports break the table in ARCHITECTURE.md.`,
);
process.exit(faults.length === 0 ? 0 : 1);
