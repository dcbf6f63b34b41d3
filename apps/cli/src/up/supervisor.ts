import { type ChildProcess, fork } from "node:child_process";
import { createWriteStream, mkdirSync, type WriteStream } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DepinferError } from "@depinfer/protocol";
import type { ServiceMessage } from "../service/lifecycle.ts";

/** A process that is kept alive. */
export interface ServiceSpec {
  /** Also the name of its log file and, by default, its folder. */
  readonly name: string;
  /** Arguments of the command line. */
  readonly args: readonly string[];
}

export type ServiceInfo = Readonly<Record<string, unknown>>;

export interface Supervised {
  readonly name: string;
  readonly pid: number | undefined;
  readonly restarts: number;
  readonly state: "starting" | "ready" | "waiting" | "stopped";
  readonly info: ServiceInfo;
}

export interface Supervisor {
  /** Starts a service and resolves with what it says once it is ready. @throws DepinferError `service.failed`. */
  start(spec: ServiceSpec): Promise<ServiceInfo>;
  list(): readonly Supervised[];
  /** Ends a service without a word, as a machine that is switched off, and does not start it again. */
  abandon(name: string): Promise<void>;
  /** Stops everything, in the reverse order of starting; what does not end within four seconds is killed. */
  stop(): Promise<void>;
}

export interface SupervisorOptions {
  readonly logs: string;
  /** Told when a service died or came back. */
  readonly onEvent: (text: string) => void;
  /** Called each time a service is ready, the first and after each restart. */
  readonly onReady: (name: string, info: ServiceInfo) => void;
}

const FIRST_BACKOFF_MS = 200;
const LONGEST_BACKOFF_MS = 5_000;
/** A service that ran this long starts again without a pause. */
const STABLE_MS = 10_000;
const KILL_MS = 4_000;
const START_TIMEOUT_MS = 60_000;

const main = fileURLToPath(new URL("../main.ts", import.meta.url));

/** Starts services as processes of their own and restarts those that die, with growing pauses and the reason. */
export function createSupervisor(options: SupervisorOptions): Supervisor {
  const services: Service[] = [];
  let stopping = false;
  mkdirSync(options.logs, { recursive: true, mode: 0o700 });

  interface Service {
    readonly spec: ServiceSpec;
    readonly log: WriteStream;
    child: ChildProcess | undefined;
    state: Supervised["state"];
    info: ServiceInfo;
    restarts: number;
    backoffMs: number;
    failure: string;
    abandoned: boolean;
    timer: NodeJS.Timeout | undefined;
  }

  function launch(service: Service, settle: (outcome: ServiceInfo | DepinferError) => void): void {
    const startedAt = Date.now();
    service.state = "starting";
    service.failure = "";
    const child = fork(main, [...service.spec.args], {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      execArgv: process.execArgv,
    });
    service.child = child;
    child.stdout?.pipe(service.log, { end: false });
    child.stderr?.pipe(service.log, { end: false });
    child.on("message", (message: ServiceMessage) => {
      if (message.kind === "ready") {
        service.state = "ready";
        service.info = message.info;
        options.onReady(service.spec.name, message.info);
        settle(message.info);
      } else {
        service.failure = message.message;
      }
    });
    child.on("exit", (code, signal) => {
      service.child = undefined;
      const why = service.failure || (signal === null ? `it ended with code ${code}` : `it was ended by ${signal}`);
      settle(failed(service.spec.name, why, options.logs));
      if (stopping || service.abandoned) {
        service.state = "stopped";
        return;
      }
      if (Date.now() - startedAt > STABLE_MS) {
        service.backoffMs = FIRST_BACKOFF_MS;
      }
      service.state = "waiting";
      service.restarts += 1;
      options.onEvent(`${service.spec.name} stopped: ${why}; starting again in ${service.backoffMs / 1000} s`);
      service.timer = setTimeout(
        () =>
          launch(
            service,
            (outcome) => outcome instanceof DepinferError || options.onEvent(`${service.spec.name} is back`),
          ),
        service.backoffMs,
      );
      service.backoffMs = Math.min(service.backoffMs * 2, LONGEST_BACKOFF_MS);
    });
  }

  return {
    start(spec) {
      const service: Service = {
        spec,
        log: createWriteStream(join(options.logs, `${spec.name}.log`), { flags: "a", mode: 0o600 }),
        child: undefined,
        state: "starting",
        info: {},
        restarts: 0,
        backoffMs: FIRST_BACKOFF_MS,
        failure: "",
        abandoned: false,
        timer: undefined,
      };
      services.push(service);
      return new Promise((resolve, reject) => {
        const timer = setTimeout(
          () => reject(failed(spec.name, `it was not ready within ${START_TIMEOUT_MS / 1000} s`, options.logs)),
          START_TIMEOUT_MS,
        );
        launch(service, (outcome) => {
          clearTimeout(timer);
          if (outcome instanceof DepinferError) {
            reject(outcome);
          } else {
            resolve(outcome);
          }
        });
      });
    },
    list: () =>
      services.map(({ spec, child, restarts, state, info }) => ({
        name: spec.name,
        pid: child?.pid,
        restarts,
        state,
        info,
      })),
    async abandon(name) {
      const service = services.find(({ spec }) => spec.name === name);
      if (service === undefined) {
        return;
      }
      service.abandoned = true;
      clearTimeout(service.timer);
      const { child } = service;
      if (child !== undefined) {
        const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
        child.kill("SIGKILL");
        await gone;
      }
    },
    async stop() {
      stopping = true;
      await Promise.all(
        services.toReversed().map(async ({ child, timer, log }) => {
          clearTimeout(timer);
          await end(child);
          log.end();
        }),
      );
    },
  };
}

function end(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) {
    return Promise.resolve();
  }
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill("SIGKILL"), KILL_MS);
    child.once("exit", () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill("SIGTERM");
  });
}

function failed(name: string, why: string, logs: string): DepinferError {
  return new DepinferError({
    code: "service.failed",
    message: `${name} could not start: ${why}`,
    remedy: `Read ${join(logs, `${name}.log`)}`,
    metadata: { service: name },
  });
}
