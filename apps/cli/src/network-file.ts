import { readFileSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { type Deployment, parseDeployment } from "@depinfer/chain";
import { DepinferError, errorMessage } from "@depinfer/protocol";

/** Everything that a service needs to join a network. */
export interface NetworkFile {
  readonly rpcUrl: string;
  readonly deployment: Deployment;
  /** File with multiaddrs of nodes to dial first, one per line; read again when it changes. */
  readonly bootstrapFile: string;
  /** Share of receipts that are audited, 0 to 1, where a test network fixes it instead of following the schedule. */
  readonly auditRate?: number;
}

/** @throws DepinferError `network.badFile`. */
export function readNetworkFile(path: string): NetworkFile {
  try {
    const parsed: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (parsed === null || typeof parsed !== "object" || !("deployment" in parsed)) {
      throw new Error("it has no member `deployment`");
    }
    const text = (name: string): string => {
      const value: unknown = Object.entries(parsed).find(([key]) => key === name)?.[1];
      if (typeof value !== "string") {
        throw new Error(`its member \`${name}\` is not a text`);
      }
      return value;
    };
    const auditRate: unknown = "auditRate" in parsed ? parsed.auditRate : undefined;
    if (auditRate !== undefined && (typeof auditRate !== "number" || !(auditRate >= 0 && auditRate <= 1))) {
      throw new Error("its member `auditRate` is not a share from 0 to 1");
    }
    return {
      rpcUrl: text("rpcUrl"),
      bootstrapFile: text("bootstrapFile"),
      deployment: parseDeployment(parsed.deployment),
      ...(auditRate === undefined ? {} : { auditRate }),
    };
  } catch (cause) {
    throw new DepinferError({
      code: "network.badFile",
      message: `The network file ${path} cannot be used: ${errorMessage(cause)}`,
      remedy: "Start a local network with `npm start`, or get the file of the network that you want to join",
      metadata: { path },
      cause,
    });
  }
}

export async function writeNetworkFile(path: string, network: NetworkFile): Promise<void> {
  await writeWhole(path, `${JSON.stringify(network, null, 2)}\n`);
}

/** Replaces a file in one step, so that a reader or a crash never meets half of it. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, text, { mode: 0o600 });
  await rename(temporary, path);
}
