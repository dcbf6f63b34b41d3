/*
 * Builds and tests the contracts, and keeps what the TypeScript packages need of them in the repository, so that
 * nobody needs a compiler to use them:
 *
 *   npm run contracts -- build    compile; write the ABIs and the deploy bytecode
 *   npm run contracts -- check    compile; fail if what is committed differs, or the Solidity is not formatted
 *   npm run contracts -- format   forge fmt
 *   npm run contracts -- test     forge test, with any further arguments; FOUNDRY_PROFILE=long searches deeper
 *   npm run contracts -- gas      only the gas gates, with their figures
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const ABI_FOLDER = "packages/protocol/src/abi";
const BYTECODE_FOLDER = "packages/chain/src/bytecode";
const GENERATED = "// Written by `npm run contracts -- build`; edit the Solidity instead.\n";

/** Contracts that others call, and the name of the constants made from each. */
const CONTRACTS: Readonly<Record<string, string>> = {
  Channels: "channels",
  Disputes: "disputes",
  FeeSplitter: "feeSplitter",
  Passes: "passes",
  ProviderRegistry: "providerRegistry",
  ReceiptLog: "receiptLog",
  RefundInsurance: "refundInsurance",
  StakeVault: "stakeVault",
  TestUSD: "testUsd",
  ValidatorSet: "validatorSet",
};

/** Put on local chains in place of other protocols' contracts; only their bytecode is needed. */
const STAND_INS: readonly string[] = ["Multicall3StandIn", "X402BatchSettlementStandIn", "X402DepositCollectorStandIn"];

/**
 * The forge program itself, from the platform package that npm installed. The `forge` of `node_modules/.bin` is a script
 * around it that exits with 0 whatever the tests say.
 */
function forgeBinary(): string {
  const platform = `${process.platform}-${process.arch === "x64" ? "amd64" : process.arch}`;
  const launcher = createRequire(import.meta.url).resolve("@foundry-rs/forge/package.json");
  const manifest = createRequire(launcher).resolve(`@foundry-rs/forge-${platform}/package.json`);
  return join(dirname(manifest), "bin", process.platform === "win32" ? "forge.exe" : "forge");
}

/** forge on npm's soljson. This script's own Node goes first in PATH, because the shim is started by name. */
function forge(args: readonly string[]): number {
  const result = spawnSync(forgeBinary(), [...args], {
    cwd: root,
    stdio: "inherit",
    env: {
      ...process.env,
      PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ""}`,
      FOUNDRY_CONFIG: "contracts/foundry.toml",
    },
  });
  if (result.error !== undefined) {
    console.error(`forge did not start: ${result.error.message}. Run \`npm ci\` first.`);
    return 1;
  }
  return result.status ?? 1;
}

function compilerArgs(): string[] {
  return ["--root", root, "--use", join(root, "contracts", "solc-shim.cjs")];
}

interface Artifact {
  readonly abi: readonly unknown[];
  readonly bytecode: { readonly object: string };
}

function readArtifact(name: string): Artifact {
  const path = join(root, "contracts", "out", `${name}.sol`, `${name}.json`);
  const parsed: Artifact = JSON.parse(readFileSync(path, "utf8"));
  return { abi: parsed.abi, bytecode: { object: parsed.bytecode.object } };
}

/** Every generated file: path from the root of the repository, and text. */
function generate(): Map<string, string> {
  const files = new Map<string, string>();
  const index: string[] = [];
  for (const [name, constant] of Object.entries(CONTRACTS)) {
    const { abi, bytecode } = readArtifact(name);
    const entries = abi.map((entry) => `  ${JSON.stringify(entry)},\n`).join("");
    files.set(`${ABI_FOLDER}/${name}.abi.ts`, `${GENERATED}export const ${constant}Abi = [\n${entries}] as const;\n`);
    files.set(`${BYTECODE_FOLDER}/${name}.ts`, bytecodeFile(constant, bytecode.object));
    index.push(`export { ${constant}Abi } from "./${name}.abi.ts";\n`);
  }
  files.set(`${ABI_FOLDER}/index.ts`, GENERATED + index.join(""));
  for (const name of STAND_INS) {
    const constant = name.charAt(0).toLowerCase() + name.slice(1);
    files.set(`${BYTECODE_FOLDER}/${name}.ts`, bytecodeFile(constant, readArtifact(name).bytecode.object));
  }
  return files;
}

function bytecodeFile(constant: string, bytecode: string): string {
  return `${GENERATED}// biome-ignore format: one long line\nexport const ${constant}Bytecode = "${bytecode}";\n`;
}

function build(): number {
  const status = forge(["build", ...compilerArgs(), "--skip", "test"]);
  if (status !== 0) return status;
  for (const [path, text] of generate()) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  console.log(`wrote ${ABI_FOLDER} and ${BYTECODE_FOLDER}`);
  return 0;
}

function committed(path: string): string | undefined {
  try {
    return readFileSync(join(root, path), "utf8");
  } catch {
    // A missing file is a difference like any other.
    return undefined;
  }
}

function format(...args: string[]): number {
  return forge(["fmt", "--root", root, ...args, "contracts/src", "contracts/test"]);
}

function check(): number {
  const status = forge(["build", ...compilerArgs(), "--skip", "test"]);
  if (status !== 0) return status;
  if (format("--check") !== 0) {
    console.error("The Solidity is not formatted. Run `npm run contracts -- format`.");
    return 1;
  }
  const drifted = [...generate()].filter(([path, text]) => committed(path) !== text).map(([path]) => path);
  if (drifted.length === 0) {
    console.log("ABIs and bytecode match the Solidity.");
    return 0;
  }
  console.error(`These files differ from what the Solidity compiles to:\n  ${drifted.join("\n  ")}`);
  console.error("Run `npm run contracts -- build` and commit the result.");
  return 1;
}

function main([command, ...rest]: string[]): number {
  switch (command) {
    case "build":
      return build();
    case "check":
      return check();
    case "format":
      return format();
    case "test":
      return forge(["test", ...compilerArgs(), ...rest]);
    case "gas":
      return forge(["test", ...compilerArgs(), "--match-contract", "Gas", "-vv", ...rest]);
    default:
      console.error("usage: npm run contracts -- build | check | format | test [forge arguments] | gas");
      return 2;
  }
}

process.exitCode = main(process.argv.slice(2));
