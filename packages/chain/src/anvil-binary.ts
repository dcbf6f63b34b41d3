import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { ChainError } from "./errors.ts";

/**
 * Path of the anvil program itself, from the platform package that npm installed. The `anvil` of `node_modules/.bin` is
 * a script that starts it as a child, and signals would stop the script instead.
 *
 * @throws ChainError `anvil.missing`
 */
export function anvilBinary(platform: string = process.platform, arch: string = process.arch): string {
  const packageName = `@foundry-rs/anvil-${platform}-${arch === "x64" ? "amd64" : arch}`;
  try {
    const launcher = createRequire(import.meta.url).resolve("@foundry-rs/anvil/package.json");
    const manifest = createRequire(launcher).resolve(`${packageName}/package.json`);
    return join(dirname(manifest), "bin", platform === "win32" ? "anvil.exe" : "anvil");
  } catch (cause) {
    throw new ChainError({
      code: "anvil.missing",
      message: `The local chain's program is not installed: no package ${packageName}`,
      remedy: "Run npm ci again, or use another chain with --rpc-url",
      metadata: { package: packageName },
      cause,
    });
  }
}
