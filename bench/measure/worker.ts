import { type ChildProcess, fork } from "node:child_process";
import { z } from "zod";
import { BenchError } from "../bench-error.ts";
import { undoWhenStopped } from "./interruption.ts";

/*
 * A measured process of its own, so that its processor time is its own. The bench calls it by name over the channel
 * that `fork` makes; `serve-worker.ts` is the other end.
 */

const reply = z.object({ id: z.number(), result: z.unknown(), error: z.string().optional() });

/** A process that this bench started. */
export interface Worker {
  readonly pid: number;
  /** Calls one of its functions and checks the result. @throws BenchError `bench.workerFailed`. */
  call<Schema extends z.ZodType>(method: string, argument: unknown, schema: Schema): Promise<z.output<Schema>>;
  /** Microseconds of processor time used so far. */
  cpuMicros(): Promise<number>;
  /** Asks it to end and kills it when it does not within five seconds. */
  stop(): Promise<void>;
}

const STOP_MS = 5_000;
/** Folder for V8 processor profiles of every worker; none are taken without it. */
const PROFILE_VARIABLE = "DEPINFER_BENCH_PROFILE";

/** Starts `script`, a file beside this one, and waits until it has said that it is ready. */
export async function startWorker(script: URL, args: readonly string[] = []): Promise<Worker> {
  const profiles = process.env[PROFILE_VARIABLE];
  const child = fork(script, args, {
    execArgv: [
      "--conditions=source",
      "--disable-warning=ExperimentalWarning",
      ...(profiles === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", profiles]),
    ],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  const errors: string[] = [];
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    errors.push(text);
    errors.splice(0, errors.length - 20);
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  exited.then(undoWhenStopped(() => stop(child, exited)));
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  child.on("message", (message) => {
    const { id, result, error } = reply.parse(message);
    if (error === undefined) {
      waiting.get(id)?.resolve(result);
    } else {
      waiting.get(id)?.reject(workerFailed(script, error));
    }
    waiting.delete(id);
  });
  exited.then(() => {
    for (const { reject } of waiting.values()) {
      reject(workerFailed(script, `it ended. ${errors.join("").slice(-2_000)}`));
    }
  });
  let calls = 0;
  function call(method: string, argument: unknown): Promise<unknown> {
    const id = calls++;
    const outcome = Promise.withResolvers<unknown>();
    waiting.set(id, outcome);
    child.send({ id, method, argument });
    return outcome.promise;
  }
  const ready = Promise.withResolvers<unknown>();
  // The first message, before any call.
  waiting.set(-1, ready);
  await ready.promise;
  return {
    pid: child.pid ?? 0,
    call: async (method, argument, schema) => schema.parse(await call(method, argument)),
    cpuMicros: async () => z.number().parse(await call("cpuMicros", null)),
    stop: () => stop(child, exited),
  };
}

async function stop(child: ChildProcess, exited: Promise<void>): Promise<void> {
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  if (child.connected) {
    child.disconnect();
  }
  await exited;
  clearTimeout(timer);
}

function workerFailed(script: URL, reason: string): BenchError {
  const name = script.pathname.split("/").at(-1) ?? "";
  return new BenchError({
    code: "bench.workerFailed",
    message: `The measured process ${name} failed: ${reason}`,
    remedy: "Run the benchmark again; when it fails again, run the file by itself to see why",
    metadata: { script: name },
  });
}
