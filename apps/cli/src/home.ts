import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");

/** The project's folder when the command line runs from a clone, else undefined. */
export const checkout: string | undefined = existsSync(join(root, "models")) ? root : undefined;

/** Where state lives unless `--home` or DEPINFER_HOME says otherwise: beside the clone, so that clones do not mix. */
export function defaultHome(): string {
  return (
    process.env.DEPINFER_HOME ?? (checkout === undefined ? join(homedir(), ".depinfer") : join(checkout, ".depinfer"))
  );
}

/** Files of a local network under its home. */
export function homePaths(home: string) {
  return {
    home,
    lock: join(home, "up.lock"),
    /** Passphrase of the keystores of this network, mode 0600. */
    passphrase: join(home, "passphrase"),
    /** Endpoint and contracts, read by every service. */
    network: join(home, "network.json"),
    bootstrap: join(home, "bootstrap.txt"),
    chain: join(home, "chain"),
    logs: join(home, "logs"),
    /** What a client needs to use the local gateway: URL and key, mode 0600. */
    access: join(home, "access.json"),
    service: (name: string) => join(home, name),
  };
}

/** The weights that come with the project. */
export const embeddedModels = {
  tiny: join(root, "models/depinfer-tiny/depinfer-tiny.q8_0.gguf"),
  tinyLowPrecision: join(root, "models/depinfer-tiny/depinfer-tiny.q4_k_m.gguf"),
  nano: join(root, "models/depinfer-nano/depinfer-nano.q8_0.gguf"),
} as const;
