import { DepinferError, errorMessage, type Log } from "@depinfer/protocol";
import { type ControlMethods, serveControl } from "./control.ts";
import { createLog } from "./log.ts";

/** What a service tells the supervisor that started it. */
export type ServiceMessage =
  | { readonly kind: "ready"; readonly info: Readonly<Record<string, unknown>> }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };

/** A service that runs. */
export interface RunningService {
  /** Told to the supervisor: addresses, ports, accounts. */
  readonly info: Readonly<Record<string, unknown>>;
  readonly control: ControlMethods;
  /** Longest wait for a clean stop beside the usual one, in ms. */
  readonly drainMs?: number;
  stop(): Promise<void>;
}

/** Longest wait for a clean stop, in ms; the supervisor promises its user five seconds. */
const STOP_MS = 4_000;

/**
 * Runs a service until it is told to stop by Ctrl-C, SIGTERM or the end of its supervisor. A failure to start is one
 * line that says what to do, and exit code 1.
 */
export async function runService(
  name: string,
  folder: string,
  start: (log: Log) => Promise<RunningService>,
): Promise<void> {
  const log = createLog(name);
  const tell = (message: ServiceMessage) => {
    if (process.connected) {
      process.send?.(message);
    }
  };
  process.on("uncaughtException", (error) => {
    log("error", `crashed: ${error.stack ?? error.message}`);
    process.exit(1);
  });
  process.on("unhandledRejection", (reason) => {
    log("error", `crashed: ${reason instanceof Error ? (reason.stack ?? reason.message) : String(reason)}`);
    process.exit(1);
  });

  let service: RunningService | undefined;
  let stopping = false;
  const stop = () => {
    if (stopping) {
      return;
    }
    stopping = true;
    setTimeout(() => process.exit(1), STOP_MS + (service?.drainMs ?? 0)).unref();
    (service?.stop() ?? Promise.resolve())
      .catch((error: unknown) => log("error", `did not stop cleanly: ${errorMessage(error)}`))
      .finally(() => process.exit(0));
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  process.on("disconnect", stop);

  try {
    service = await start(log);
    await serveControl(folder, { state: () => service?.info, ...service.control });
    log("info", "ready", { pid: process.pid, ...service.info });
    tell({ kind: "ready", info: service.info });
  } catch (error) {
    const code = error instanceof DepinferError ? error.code : "unknown";
    const message = error instanceof DepinferError ? error.describe() : errorMessage(error);
    log("error", `could not start: ${message}`, { code });
    tell({ kind: "failed", code, message });
    process.exit(1);
  }
}
