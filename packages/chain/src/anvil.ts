import { type ChildProcess, spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Hex } from "@depinfer/protocol";
import { anvilBinary } from "./anvil-binary.ts";
import { recordProcess, stopLeftover } from "./anvil-leftover.ts";
import { ChainError } from "./errors.ts";
import { loadMnemonic, mnemonicKey } from "./mnemonic.ts";
import { freePort, isPortFree } from "./port.ts";
import { createRpc } from "./rpc.ts";
import { createSigner } from "./signer.ts";

export interface AnvilOptions {
  /** Folder for the chain's state and mnemonic; made if missing. One anvil per folder. */
  readonly home: string;
  /** Preferred port. If something else listens there, another is taken, and `onNotice` told. */
  readonly port?: number;
  readonly chainId?: number;
  /** By default `mnemonic` in `home`; made on the first start, mode 0600. */
  readonly mnemonicFile?: string;
  /** Seconds between blocks when nothing happens; a transaction is mined at once. */
  readonly blockTimeSeconds?: number;
  /** Seconds between dumps of the state. A killed anvil forgets what came after the last one. */
  readonly stateIntervalSeconds?: number;
  readonly hardfork?: string;
  /** Told, in a sentence, of anything that went otherwise than asked. */
  readonly onNotice?: (notice: string) => void;
  readonly startTimeoutMs?: number;
}

/** A running local chain. */
export interface Anvil {
  readonly rpcUrl: string;
  readonly port: number;
  readonly chainId: number;
  readonly pid: number;
  /** Private key of a funded account, 0 to 9. Test money only: the mnemonic is among the process's arguments. */
  key(index: number): Hex;
  /** Sets what an account can pay for gas, in wei: 10 test ether by default. */
  fund(address: Hex, wei?: bigint): Promise<void>;
  /** Settles when the process ends, for whatever reason. */
  readonly exited: Promise<void>;
  /** Asks the process to stop, and waits until it has written its state. Does nothing the second time. */
  stop(): Promise<void>;
}

/** Development chains have this id by convention; it exists on no public network. */
export const LOCAL_CHAIN_ID = 31_337;
const DEFAULT_PORT = 8_545;
/**
 * Blocks whose state can still be asked for. Without a limit anvil keeps every block's state, all but the newest on disk
 * in `~/.foundry`: 25,000 empty blocks were measured to take 8 GB. Events and transactions are kept whatever this is.
 */
const KEPT_STATES = 128;
/** Ports tried when others take a free one before anvil does. */
const ATTEMPTS = 3;
/** Writing a large state takes seconds; after this the process is killed. */
const STOP_TIMEOUT_MS = 20_000;
const TEN_ETHER = 10n ** 19n;

/** Starts anvil on the loopback interface and waits until it answers. */
export async function startAnvil(options: AnvilOptions): Promise<Anvil> {
  const { home, port: wanted = DEFAULT_PORT, chainId = LOCAL_CHAIN_ID, onNotice } = options;
  const binary = anvilBinary();
  await mkdir(home, { recursive: true, mode: 0o700 });
  const mnemonic = await loadMnemonic(options.mnemonicFile ?? join(home, "mnemonic"));
  const state = join(home, "anvil-state.json");
  if (await stopLeftover(home, state)) {
    onNotice?.("Stopped a local chain that an earlier run left behind; its state is kept.");
  }

  for (let attempt = 1; ; attempt++) {
    const port = attempt === 1 && (await isPortFree(wanted)) ? wanted : await freePort();
    const started = await launch({ binary, port, chainId, mnemonic, state, options });
    if (started !== undefined) {
      if (port !== wanted) {
        onNotice?.(`Port ${wanted} is in use; the local chain is on port ${port}.`);
      }
      await recordProcess(home, started.pid);
      return { ...started, key: (index) => mnemonicKey(mnemonic, index) };
    }
    if (attempt === ATTEMPTS) {
      throw new ChainError({
        code: "anvil.noPort",
        message: `Found no port that stays free in ${ATTEMPTS} attempts`,
        remedy: "Pass a free port",
        metadata: { wanted },
        retryable: true,
      });
    }
  }
}

interface Launch {
  readonly binary: string;
  readonly port: number;
  readonly chainId: number;
  readonly mnemonic: string;
  readonly state: string;
  readonly options: AnvilOptions;
}

/** One attempt on one port; undefined when the port was taken meanwhile. */
async function launch({ binary, port, chainId, mnemonic, state, options }: Launch) {
  const { blockTimeSeconds = 3, stateIntervalSeconds = 2, hardfork, startTimeoutMs = 20_000 } = options;
  const child = spawn(
    binary,
    [
      ...["--host", "127.0.0.1", "--port", `${port}`, "--chain-id", `${chainId}`],
      ...["--mnemonic", mnemonic, "--state", state, "--state-interval", `${stateIntervalSeconds}`],
      ...["--block-time", `${blockTimeSeconds}`, "--mixed-mining", "--no-cors", "--quiet"],
      ...["--prune-history", `${KEPT_STATES}`],
      ...(hardfork === undefined ? [] : ["--hardfork", hardfork]),
    ],
    // A group of its own: a terminal's Ctrl-C is for the program that uses the chain, which stops it last.
    { stdio: ["ignore", "ignore", "pipe"], detached: true },
  );
  const errors: string[] = [];
  child.stderr?.setEncoding("utf8").on("data", (text: string) => errors.push(text));
  const exited = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", (error) => {
      errors.push(error.message);
      resolve();
    });
  });
  const rpcUrl = `http://127.0.0.1:${port}`;
  const answered = await waitForAnswer(rpcUrl, createSigner(mnemonicKey(mnemonic, 0)).address, exited, startTimeoutMs);
  const { pid } = child;
  if (answered && pid !== undefined) {
    const rpc = createRpc(rpcUrl);
    return {
      ...{ rpcUrl, port, chainId, pid, exited },
      stop: () => stop(child, exited),
      async fund(address: Hex, wei: bigint = TEN_ETHER) {
        // viem types only the standard methods, hence the plain request.
        await rpc.ask("fund", (client) =>
          client.transport.request({ method: "anvil_setBalance", params: [address, `0x${wei.toString(16)}`] }),
        );
      },
    };
  }
  child.kill("SIGKILL");
  const reason = errors.join("").trim();
  if (/address (already )?in use/i.test(reason)) {
    return undefined;
  }
  throw new ChainError({
    code: "anvil.notStarted",
    message: `The local chain did not start: ${reason === "" ? `no answer within ${startTimeoutMs} ms` : reason}`,
    remedy: `If its state is damaged, move ${state} away to begin with an empty chain`,
    metadata: { port, state },
  });
}

/**
 * True once our anvil answers, false when it ended or time is up. Another one may have taken the port a moment before,
 * so the answer must name our first account: each folder has its own mnemonic.
 */
async function waitForAnswer(url: string, account: Hex, exited: Promise<void>, timeoutMs: number): Promise<boolean> {
  let running = true;
  exited.then(() => {
    running = false;
  });
  const rpc = createRpc(url, { timeoutMs: 1_000 });
  for (const deadline = Date.now() + timeoutMs; running && Date.now() < deadline; await sleep(50)) {
    try {
      const accounts: unknown = await rpc.ask("start", (client) =>
        client.transport.request({ method: "eth_accounts" }),
      );
      if (Array.isArray(accounts) && String(accounts[0]).toLowerCase() === account) {
        return true;
      }
    } catch {
      // Not listening yet.
    }
  }
  return false;
}

async function stop(child: ChildProcess, exited: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return;
  }
  child.kill("SIGINT");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(timer);
}
