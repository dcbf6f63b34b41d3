import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..");

export interface ForgeOptions {
  /** A profile of `contracts/foundry.toml`. */
  readonly profile?: string;
  /** Returns what forge prints instead of showing it. */
  readonly quiet?: boolean;
}

/** What a run ended with, and what it printed if it was quiet. */
export interface ForgeResult {
  readonly status: number;
  readonly output: string;
}

/** forge on npm's soljson. This script's own Node goes first in PATH, because the shim is started by name. */
export function forge(args: readonly string[], { profile, quiet = false }: ForgeOptions = {}): ForgeResult {
  const result = spawnSync(forgeBinary(), [...args], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 1 << 30,
    stdio: ["ignore", quiet ? "pipe" : "inherit", "inherit"],
    env: {
      ...process.env,
      ...(profile === undefined ? {} : { FOUNDRY_PROFILE: profile }),
      PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ""}`,
      FOUNDRY_CONFIG: "contracts/foundry.toml",
    },
  });
  if (result.error !== undefined) {
    console.error(`forge did not start: ${result.error.message}. Run \`npm ci\` first.`);
    return { status: 1, output: "" };
  }
  return { status: result.status ?? 1, output: quiet ? result.stdout : "" };
}

/** Where the sources are, and the compiler. */
export function compilerArgs(): string[] {
  return ["--root", root, "--use", join(root, "contracts", "solc-shim.cjs")];
}

/** The commit that was measured, with `+` if files differ from it. */
export function commit(): string {
  const git = (...args: string[]) => spawnSync("git", args, { cwd: root, encoding: "utf8" }).stdout.trim();
  return git("rev-parse", "--short=12", "HEAD") + (git("status", "--porcelain", "--", "contracts") === "" ? "" : "+");
}

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
