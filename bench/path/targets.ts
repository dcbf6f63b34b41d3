import { z } from "zod";
import { freePort } from "../../apps/cli/src/up/free-port.ts";
import { BenchError } from "../bench-error.ts";
import { startWorker, type Worker } from "../measure/worker.ts";
import { type Mode, requestBody } from "./answer-script.ts";
import { type LoadResult, runLoad } from "./load.ts";
import type { Market } from "./market.ts";

/** Something that answers completions, with the processes whose time it costs. */
export interface Target {
  readonly name: "depinfer" | "two hops" | "one hop" | "portkey" | "origin";
  readonly port: number;
  readonly authorization: string;
  /** Further headers, each line ended by CRLF. */
  readonly headers?: string;
  readonly processes: readonly Worker[];
}

export interface PathSample extends LoadResult {
  /** Processor time of the target's processes per whole answer, that of failed requests included. */
  readonly cpuMicros: number;
  readonly perSecond: number;
}

/** Share of failed requests above which a sample says nothing; below it, the table shows how many there were. */
const MOST_FAILED = 0.5;

const listening = z.object({ port: z.number() });

interface Baselines {
  readonly targets: readonly Target[];
  stop(): Promise<void>;
}

type Start = (script: string, ...args: string[]) => Promise<{ readonly worker: Worker; readonly port: number }>;

const authorization = "Bearer sk-bench";

/** Starts processes; when one of them fails, those before it are stopped. */
async function baselines(open: (start: Start) => Promise<readonly Target[]>): Promise<Baselines> {
  const workers: Worker[] = [];
  const stop = async () => {
    await Promise.all(workers.map((worker) => worker.stop()));
  };
  try {
    const targets = await open(async (script, ...args) => {
      const worker = await startWorker(new URL(script, import.meta.url), args);
      workers.push(worker);
      return { worker, port: (await worker.call("info", null, listening)).port };
    });
    return { targets, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The two bare hops and the origin behind them. */
export function startHops(): Promise<Baselines> {
  return baselines(async (start) => {
    const origin = await start("./origin-process.ts");
    const second = await start("./hop-process.ts", `http://127.0.0.1:${origin.port}`);
    const first = await start("./hop-process.ts", `http://127.0.0.1:${second.port}`);
    return [
      { name: "two hops", port: first.port, authorization, processes: [first.worker, second.worker] },
      { name: "origin", port: origin.port, authorization, processes: [origin.worker] },
    ];
  });
}

/** One bare hop and Portkey's gateway, both before the same origin. */
export function startGateways(): Promise<Baselines> {
  return baselines(async (start) => {
    const origin = await start("./origin-process.ts");
    const behind = `http://127.0.0.1:${origin.port}`;
    const hop = await start("./hop-process.ts", behind);
    const portkey = await start("./portkey-process.ts", String(await freePort("127.0.0.1", 0)));
    const headers = `x-portkey-provider: openai\r\nx-portkey-custom-host: ${behind}/v1\r\n`;
    return [
      { name: "one hop", port: hop.port, authorization, processes: [hop.worker] },
      { name: "portkey", port: portkey.port, authorization, headers, processes: [portkey.worker] },
      { name: "origin", port: origin.port, authorization, processes: [origin.worker] },
    ];
  });
}

/** Our gateway alone; the provider behind it has a processor time of its own. */
export function gatewayTarget({ port, apiKey, gateway }: Market): Target {
  return { name: "depinfer", port, authorization: `Bearer ${apiKey}`, processes: [gateway] };
}

export function marketTarget({ port, apiKey, gateway, providers }: Market): Target {
  return { name: "depinfer", port, authorization: `Bearer ${apiKey}`, processes: [gateway, ...providers] };
}

/** Loads a target and reads what that cost it. @throws BenchError `bench.requestsFailed`. */
export async function sampleTarget(
  generator: Worker,
  { name, port, authorization, headers = "", processes }: Target,
  { mode, clients, seconds }: { readonly mode: Mode; readonly clients: number; readonly seconds: number },
): Promise<PathSample> {
  const cpu = async () => {
    const each = await Promise.all(processes.map((process) => process.cpuMicros()));
    return each.reduce((sum, micros) => sum + micros, 0);
  };
  const before = await cpu();
  const body = requestBody(mode, "zero-cost");
  const result = await runLoad(generator, { port, authorization, headers, body, clients, seconds });
  const used = (await cpu()) - before;
  if (result.failed > MOST_FAILED * result.requests) {
    throw new BenchError({
      code: "bench.requestsFailed",
      message: `${result.failed} requests to ${name} failed and ${result.requests} did not; the first answer was ${JSON.stringify(result.firstFailure)}`,
      remedy: "Fix the cause, or run on a machine that is less busy",
      metadata: { target: name, failed: result.failed },
    });
  }
  return { ...result, cpuMicros: used / result.requests, perSecond: result.requests / result.seconds };
}
