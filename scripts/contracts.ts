/*
 * Builds and tests the contracts, and keeps what the TypeScript packages need of them in the repository, so that
 * nobody needs a compiler to use them:
 *
 *   npm run contracts -- build    compile; write the ABIs and the deploy bytecode
 *   npm run contracts -- check    compile; fail if what is committed differs, or the Solidity is not formatted
 *   npm run contracts -- format   forge fmt
 *   npm run contracts -- test     forge test, with any further arguments; FOUNDRY_PROFILE=long searches deeper
 *   npm run contracts -- gas      only the gas gates, with their figures
 *   npm run contracts -- long     a million calls of the invariants of money; --save keeps the figures
 *   npm run contracts -- coverage which lines of the contracts the tests run; fails below 95 % of those that hold money
 *   npm run contracts -- prove    solc's model checker on contracts/proofs; --save keeps what was proved
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { coverage } from "./contracts-coverage.ts";
import { compilerArgs, forge, root } from "./contracts-forge.ts";
import { long } from "./contracts-long.ts";
import { prove } from "./contracts-prove.ts";

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

interface Artifact {
  readonly abi: readonly unknown[];
  readonly bytecode: { readonly object: string };
  readonly deployedBytecode: {
    readonly object: string;
    readonly immutableReferences?: Readonly<
      Record<string, readonly { readonly start: number; readonly length: number }[]>
    >;
  };
}

function readArtifact(name: string): Artifact {
  const path = join(root, "contracts", "out", `${name}.sol`, `${name}.json`);
  const parsed: Artifact = JSON.parse(readFileSync(path, "utf8"));
  return parsed;
}

/**
 * Where a contract's runtime code lies in the code that creates it, and where in it the constructor writes immutables:
 * what comparing it with the code on a chain needs. In bytes.
 */
function runtimeOf({ bytecode, deployedBytecode }: Artifact): string {
  const runtime = deployedBytecode.object.slice(2);
  const offset = (bytecode.object.indexOf(runtime) - 2) / 2;
  const immutables = Object.values(deployedBytecode.immutableReferences ?? {})
    .flat()
    .map(({ start, length }) => [start, length])
    .sort(([a = 0], [b = 0]) => a - b);
  return JSON.stringify({ offset, length: runtime.length / 2, immutables });
}

/** Every generated file: path from the root of the repository, and text. */
function generate(): Map<string, string> {
  const files = new Map<string, string>();
  const index: string[] = [];
  const runtimes: string[] = [];
  for (const [name, constant] of Object.entries(CONTRACTS)) {
    const artifact = readArtifact(name);
    const { abi, bytecode } = artifact;
    const entries = abi.map((entry) => `  ${JSON.stringify(entry)},\n`).join("");
    files.set(`${ABI_FOLDER}/${name}.abi.ts`, `${GENERATED}export const ${constant}Abi = [\n${entries}] as const;\n`);
    files.set(`${BYTECODE_FOLDER}/${name}.ts`, bytecodeFile(constant, bytecode.object));
    runtimes.push(`  ${constant}: ${runtimeOf(artifact)},\n`);
    index.push(`export { ${constant}Abi } from "./${name}.abi.ts";\n`);
  }
  files.set(`${ABI_FOLDER}/index.ts`, GENERATED + index.join(""));
  files.set(
    `${BYTECODE_FOLDER}/runtime.ts`,
    `${GENERATED}// biome-ignore format: one line each\nexport const RUNTIME = {\n${runtimes.join("")}} as const;\n`,
  );
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
  const status = forge(["build", ...compilerArgs(), "--skip", "test"]).status;
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
  return forge(["fmt", "--root", root, ...args, "contracts/src", "contracts/test", "contracts/proofs"]).status;
}

function check(): number {
  const status = forge(["build", ...compilerArgs(), "--skip", "test"]).status;
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
      return forge(["test", ...compilerArgs(), ...rest]).status;
    case "gas":
      return forge(["test", ...compilerArgs(), "--match-contract", "Gas", "-vv", ...rest]).status;
    case "long":
      return long(rest);
    case "coverage":
      return coverage();
    case "prove":
      return prove(rest);
    default:
      console.error(
        "usage: npm run contracts -- build | check | format | test [forge arguments] | gas | long | coverage | prove",
      );
      return 2;
  }
}

process.exitCode = main(process.argv.slice(2));
