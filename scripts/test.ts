/*
 * `npm test`: everything that has to hold, one step after the other, with a count at the end.
 *
 *   npm test                     all steps
 *   npm test -- lint unit        only these
 *
 * The last line is `N passed, N failed`; the exit code is 1 when anything failed.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";

interface Count {
  readonly passed: number;
  readonly failed: number;
  /** What failed and why, for the summary: the output above may be long, or cut off. */
  readonly faults?: readonly string[];
}

/** The part of vitest's report that is read. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages: readonly string[] | null;
    }[];
  }[];
}

interface Step {
  readonly name: string;
  readonly title: string;
  run(): Promise<Count>;
}

const root = join(import.meta.dirname, "..");
const bin = (name: string) => join(root, "node_modules/.bin", name);
const source = ["--conditions=source", "--disable-warning=ExperimentalWarning"];

/** Runs a program with its output shown, and returns exit code and output. */
function run(command: string, args: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const take = (chunk: Buffer) => {
      output += chunk.toString();
      process.stdout.write(chunk);
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    child.on("error", (error) => resolve({ code: 1, output: error.message }));
    child.on("close", (code) => resolve({ code: code ?? 1, output }));
  });
}

/** A step that is one check. */
async function check(command: string, args: readonly string[]): Promise<Count> {
  const { code } = await run(command, args);
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** What runs in Node, what runs in a browser, and what drives one. */
const PROJECTS = [".", "apps/dashboard", "tests/dashboard"];

async function types(): Promise<Count> {
  let total: Count = { passed: 0, failed: 0 };
  for (const project of PROJECTS) {
    total = sum(total, await check(bin("tsc"), ["-p", project]));
  }
  return total;
}

function sum(a: Count, b: Count): Count {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed };
}

/** forge prints `N tests passed, N failed` at the end; without that line it did not get so far. */
async function contracts(): Promise<Count> {
  const { code, output } = await run(process.execPath, [...source, "scripts/contracts.ts", "test"]);
  const counts = /(\d+) tests passed, (\d+) failed/.exec(output);
  const passed = Number(counts?.[1] ?? 0);
  const failed = Number(counts?.[2] ?? 0);
  return { passed, failed: code !== 0 && failed === 0 ? 1 : failed };
}

async function vitest(...filters: readonly string[]): Promise<Count> {
  const folder = mkdtempSync(join(tmpdir(), "depinfer-test-"));
  const file = join(folder, "report.json");
  const { code } = await run(bin("vitest"), [
    "run",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${file}`,
    ...filters,
  ]);
  try {
    const report: Report = JSON.parse(readFileSync(file, "utf8"));
    const faults = faultsOf(report);
    // A file that fails as a whole counts too, although none of its tests does.
    const failed = Math.max(report.numFailedTests, faults.length);
    return { passed: report.numPassedTests, failed: code !== 0 && failed === 0 ? 1 : failed, faults };
  } catch {
    return { passed: 0, failed: 1 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function faultsOf({ testResults }: Report): readonly string[] {
  return testResults.flatMap(({ name, status, message, assertionResults }) => {
    const failed = assertionResults.filter((test) => test.status === "failed");
    const file = relative(root, name);
    return failed.length === 0 && status === "failed"
      ? [`${file}: ${firstLine(message)}`]
      : failed.map(({ fullName, failureMessages }) => `${file} > ${fullName}: ${firstLine(failureMessages?.[0])}`);
  });
}

function firstLine(message = ""): string {
  return message.split("\n")[0]?.slice(0, 300) ?? "";
}

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Without a browser there is nothing to look with, which is no fault of what was to be looked at. */
async function dashboard(): Promise<Count> {
  if (!existsSync(CHROMIUM)) {
    console.warn(`Not run: there is no ${CHROMIUM}. On Debian: apt-get install chromium; elsewhere set CHROMIUM.`);
    return { passed: 0, failed: 0 };
  }
  return vitest("--config", "tests/dashboard/vitest.config.ts");
}

const STEPS: readonly Step[] = [
  { name: "types", title: "Types", run: types },
  { name: "lint", title: "Format and lint", run: () => check(bin("biome"), ["check", "--error-on-warnings", "."]) },
  {
    name: "imports",
    title: "Import table",
    run: () => check(process.execPath, [...source, "scripts/check-imports.ts"]),
  },
  {
    name: "vectors",
    title: "Vectors are what the code gives",
    run: () => check(process.execPath, [...source, "scripts/vectors.ts", "--check"]),
  },
  {
    name: "abis",
    title: "ABIs and bytecode are those of the contracts",
    run: () => check(process.execPath, [...source, "scripts/contracts.ts", "check"]),
  },
  { name: "contracts", title: "Contracts: unit, fuzz, invariants, gas gates", run: contracts },
  {
    name: "unit",
    title: "Packages, services, apps, adversaries and benchmarks",
    // With the slash, since a filter is any part of a path: tests/e2e/services.test.ts is no service.
    run: () => vitest("packages/", "services/", "apps/", "models/", "simulation/", "bench/", "tests/bad-input/"),
  },
  { name: "e2e", title: "Whole networks, end to end", run: () => vitest("tests/e2e", "--no-file-parallelism") },
  {
    name: "dashboard",
    title: "The dashboard in a browser, on a whole network",
    run: dashboard,
  },
];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !STEPS.some((step) => step.name === name));
if (unknown.length > 0) {
  console.error(`There is no step ${unknown.join(", ")}. Steps: ${STEPS.map(({ name }) => name).join(", ")}`);
  process.exit(1);
}

let total: Count = { passed: 0, failed: 0 };
const lines: string[] = [];
for (const step of STEPS) {
  if (wanted.length === 0 || wanted.includes(step.name)) {
    console.log(`\n── ${step.title}`);
    const started = performance.now();
    const count = await step.run();
    total = sum(total, count);
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    lines.push(
      `${count.failed === 0 ? "✓" : "✗"} ${step.title}: ${count.passed} passed, ${count.failed} failed (${seconds} s)`,
      ...(count.faults ?? []).map((fault) => `    ${fault}`),
    );
  }
}
console.log(`\n${lines.join("\n")}\n`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed === 0 ? 0 : 1);
