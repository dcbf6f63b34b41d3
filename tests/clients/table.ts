/*
 * Prints what other people's clients can do here, as a table for the README: runs the tests of this folder and counts.
 *
 *   node --conditions=source tests/clients/table.ts
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { z } from "zod";

const reportSchema = z.looseObject({
  testResults: z.array(
    z.looseObject({
      assertionResults: z.array(
        z.looseObject({ ancestorTitles: z.array(z.string()), title: z.string(), status: z.string() }),
      ),
    }),
  ),
});

const root = join(import.meta.dirname, "../..");
const require = createRequire(join(root, "package.json"));
const folder = mkdtempSync(join(tmpdir(), "depinfer-clients-"));
const output = join(folder, "report.json");

const program = join(dirname(require.resolve("vitest/package.json")), "vitest.mjs");
const child = spawn(
  process.execPath,
  [program, "run", "tests/clients", "--testTimeout", "60000", "--reporter", "json", "--outputFile", output],
  { cwd: root, stdio: ["ignore", "ignore", "inherit"] },
);
await new Promise((resolve) => child.on("close", resolve));
const report = reportSchema.parse(JSON.parse(readFileSync(output, "utf8")));
rmSync(folder, { recursive: true });

const results = report.testResults.flatMap(({ assertionResults }) => assertionResults);
const clients = Map.groupBy(results, ({ ancestorTitles }) => ancestorTitles.at(0) ?? "");

/** The version of a client that is a package; the cases of Open Responses are none. */
function versionOf(client: string): string {
  try {
    const { version } = JSON.parse(readFileSync(join(root, "node_modules", client, "package.json"), "utf8"));
    return ` ${version}`;
  } catch {
    return "";
  }
}

console.log("| Client | Passes | What it does |\n|---|---|---|");
for (const [client, tests] of clients) {
  const passed = tests.filter(({ status }) => status === "passed");
  const failed = tests.filter(({ status }) => status !== "passed").map(({ title }) => title);
  const titles = tests.map(({ title }) => title).join("; ");
  const what = failed.length === 0 ? titles : `fails: ${failed.join("; ")}`;
  console.log(`| ${client}${versionOf(client)} | ${passed.length} of ${tests.length} | ${what} |`);
}
process.exitCode = results.every(({ status }) => status === "passed") ? 0 : 1;
