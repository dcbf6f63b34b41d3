import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Chain, createChain } from "@depinfer/chain";
import { type Access, createClient, type GatewayClient, readAccess } from "../../apps/cli/src/gateway-client.ts";
import { readNetworkFile } from "../../apps/cli/src/network-file.ts";

/*
 * A whole network as a user starts it: the real command, real processes, a real chain. Tests talk to it over HTTP and
 * through the command line.
 */

const root = join(import.meta.dirname, "../..");
const program = join(root, "apps/cli/bin/depinfer.js");

export interface TestNetwork {
  readonly home: string;
  readonly access: Access;
  readonly client: GatewayClient;
  readonly chain: Chain;
  /** What the command printed so far. */
  output(): string;
  /** Pid of a service, from what the supervisor's children say of themselves. */
  pid(service: string): number;
  /** Ctrl-C; resolves with the milliseconds until the command ended. */
  stop(): Promise<number>;
}

const START_TIMEOUT_MS = 90_000;

/** Starts `depinfer up`. With a `home` it goes on where that one ended. */
export async function startTestNetwork(
  args: readonly string[],
  home = mkdtempSync(join(tmpdir(), "depinfer-")),
): Promise<TestNetwork> {
  const child = spawn(
    process.execPath,
    [program, "up", "--home", home, "--port", "0", "--epoch-seconds", "0", "--no-dashboard", ...args],
    {
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own, so that a test run that is interrupted leaves nothing behind.
      detached: true,
    },
  );
  let printed = "";
  child.stdout.on("data", (chunk: Buffer) => {
    printed += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    printed += chunk.toString();
  });
  await waitFor(
    () => printed.includes("Ready in"),
    START_TIMEOUT_MS,
    () => `the network did not start:\n${printed}`,
    child,
  );
  const access = readAccess(home);
  const { deployment, rpcUrl } = readNetworkFile(join(home, "network.json"));
  return {
    home,
    access,
    client: createClient(access),
    chain: createChain({ deployment, rpcUrl }),
    output: () => printed,
    pid: (service) => pidOf(home, service),
    async stop() {
      const started = Date.now();
      await end(child);
      return Date.now() - started;
    },
  };
}

/** Ends a network and forgets its folder. */
export async function discard(network: TestNetwork | undefined): Promise<void> {
  if (network !== undefined) {
    await network.stop();
    rmSync(network.home, { recursive: true, force: true });
  }
}

/** Runs a command of the command line to its end. */
export async function depinfer(
  ...args: readonly string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, stdout, stderr };
}

/** Waits until `done`, checking often. */
export async function waitFor(
  done: () => boolean | Promise<boolean>,
  timeoutMs: number,
  describe: () => string,
  child?: ChildProcess,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await done())) {
    if (Date.now() > deadline || (child !== undefined && child.exitCode !== null)) {
      throw new Error(describe());
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function pidOf(home: string, service: string): number {
  const lines = readFileSync(join(home, "logs", `${service}.log`), "utf8")
    .trim()
    .split("\n");
  const ready = lines.map((line) => JSON.parse(line)).findLast(({ message }) => message === "ready");
  return Number(ready.pid);
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.pid === undefined) {
      resolve();
      return;
    }
    child.once("close", () => resolve());
    // As a terminal does: the whole group gets the Ctrl-C.
    process.kill(-child.pid, "SIGINT");
  });
}

/** The chain is the one process of the network that is not ours; its pid is what listens on its port. */
export function killChain({ chain }: Pick<TestNetwork, "chain">): void {
  const port = Number(new URL(chain.rpcUrl).port);
  const inode = readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .find(
      (fields) => fields[1]?.endsWith(`:${port.toString(16).toUpperCase().padStart(4, "0")}`) && fields[3] === "0A",
    )?.[9];
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const sockets = readdirSync(`/proc/${pid}/fd`, { withFileTypes: true }).map(({ name }) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${name}`);
      } catch {
        return "";
      }
    });
    if (inode !== undefined && sockets.includes(`socket:[${inode}]`)) {
      process.kill(Number(pid), "SIGKILL");
      return;
    }
  }
  throw new Error(`nobody listens on ${port}`);
}

/** Calls the chain directly, for what only a test chain can do. */
export async function rpc(url: string, method: string, params: readonly unknown[]): Promise<unknown> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  const answer: unknown = await response.json();
  if (answer === null || typeof answer !== "object" || !("result" in answer)) {
    throw new Error(`${method}: ${JSON.stringify(answer)}`);
  }
  return answer.result;
}
