import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { Benchmark } from "./benchmark.ts";
import { formatSpread, median, significant, spread } from "./measure/statistics.ts";
import { startWorker, type Worker } from "./measure/worker.ts";
import { HELD_TOKEN_MS, requestBody } from "./path/answer-script.ts";
import { startMarket } from "./path/market.ts";
import { gatewayTarget, startGateways, type Target } from "./path/targets.ts";

/* What open streams cost a gateway in memory: the resident set with none, and with many of which each gets two tokens a second. */

const MEBIBYTE = 1_048_576;
const STREAMS = 1_000;
const QUICK_STREAMS = 50;
/** Streams that are opened at once; the rest wait, as they would for a listening socket's queue. */
const AT_ONCE = 100;
const FIRST_BYTE_SECONDS = 20;

interface Held {
  readonly target: Target;
  readonly idle: number[];
  readonly busy: number[];
  readonly opened: number[];
}

/** Bytes of physical memory that a process uses, all of its processes' shared pages counted. */
function residentBytes({ pid }: Worker): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) * 1024;
}

async function residentOf(workers: readonly Worker[], samples: number): Promise<number> {
  const seen: number[] = [];
  for (let sample = 0; sample < samples; sample++) {
    await sleep(HELD_TOKEN_MS);
    seen.push(workers.reduce((sum, worker) => sum + residentBytes(worker), 0));
  }
  return median(seen);
}

async function hold(generator: Worker, { target, idle, busy, opened }: Held, streams: number): Promise<void> {
  const { port, authorization, headers = "", processes } = target;
  idle.push(await residentOf(processes, 3));
  let open = 0;
  for (let left = streams; left > 0; left -= AT_ONCE) {
    const plan = { port, authorization, headers, body: requestBody("held", "zero-cost"), seconds: FIRST_BYTE_SECONDS };
    open += await generator.call("hold", { ...plan, clients: Math.min(AT_ONCE, left) }, z.number());
  }
  busy.push(await residentOf(processes, 6));
  opened.push(open);
  await generator.call("letGo", null, z.null());
  await sleep(2_000);
}

export const memory: Benchmark = {
  name: "memory",
  description: "resident set of the gateway with 1,000 open streams, against Portkey's gateway",
  async run({ quick, progress }) {
    const rounds = quick ? 1 : 3;
    const streams = quick ? QUICK_STREAMS : STREAMS;
    const stops: (() => Promise<void>)[] = [];
    try {
      const market = await startMarket(progress, {
        providers: 2,
        engine: { slots: STREAMS / 2 + 50, tokenMs: HELD_TOKEN_MS },
      });
      stops.push(market.stop);
      const others = await startGateways();
      stops.push(others.stop);
      const generator = await startWorker(new URL("./path/load-process.ts", import.meta.url));
      stops.push(generator.stop);
      const targets = [gatewayTarget(market), ...others.targets.filter(({ name }) => name === "portkey")];
      const held = targets.map((target): Held => ({ target, idle: [], busy: [], opened: [] }));
      for (const { target } of held) {
        progress(`warming up ${target.name}`);
        await hold(generator, { target, idle: [], busy: [], opened: [] }, streams);
      }
      for (let round = 0; round < rounds; round++) {
        for (const one of round % 2 === 0 ? held : [...held].reverse()) {
          progress(`round ${round + 1} of ${rounds}: ${streams} streams through ${one.target.name}`);
          await hold(generator, one, streams);
        }
      }
      const mebibytes = (values: readonly number[]) => spread(values.map((bytes) => bytes / MEBIBYTE));
      const perStream = ({ idle, busy, opened }: Held) =>
        median(busy.map((bytes, round) => (bytes - (idle[round] ?? 0)) / Math.max(1, opened[round] ?? 0) / 1024));
      const ours = held.find(({ target }) => target.name === "depinfer");
      const portkey = held.find(({ target }) => target.name === "portkey");
      const figure = (of: Held | undefined, value: (one: Held) => number) =>
        of === undefined ? null : significant(value(of));
      return {
        rounds,
        rows: held.map((one) => ({
          target: one.target.name,
          streams: median(one.opened),
          idleMiB: formatSpread(mebibytes(one.idle)),
          openMiB: formatSpread(mebibytes(one.busy)),
          kibPerStream: significant(perStream(one)),
        })),
        summary: {
          streams: figure(ours, ({ opened }) => median(opened)),
          gatewayMiB: figure(ours, ({ busy }) => mebibytes(busy).median),
          idleMiB: figure(ours, ({ idle }) => mebibytes(idle).median),
          kibPerStream: figure(ours, perStream),
          portkeyMiB: figure(portkey, ({ busy }) => mebibytes(busy).median),
          portkeyKibPerStream: figure(portkey, perStream),
        },
      };
    } finally {
      for (const stop of stops.reverse()) {
        await stop();
      }
    }
  },
};
