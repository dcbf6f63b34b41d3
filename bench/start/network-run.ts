import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { z } from "zod";
import { freePort } from "../../apps/cli/src/up/free-port.ts";
import { BenchError } from "../bench-error.ts";
import { undoWhenStopped } from "../measure/interruption.ts";
import { projectRoot } from "../measure/machine.ts";

/** Seconds from launching the command until each thing had happened. */
export interface NetworkRun {
  readonly answerSeconds: number;
  /** The answer was scored again and passed. */
  readonly verifiedSeconds: number;
  readonly exitSeconds: number;
  /** What the command itself says its steps took, by title. Some run side by side. */
  readonly steps: ReadonlyMap<string, number>;
}

const outcome = z.object({ answer: z.string(), proof: z.object({ verdict: z.string() }) });

const TIMEOUT_MS = 180_000;
const ANSWER_STEP = "Asking";
const VERIFY_STEP = "Proving the answer by scoring it again";
/** `  ✓ Asking: 12 tokens (0.3 s)` */
const STEP_LINE = /^\s*✓ ([^:(]+?)(?:: .*)? \(([\d.]+) s\)$/;

/** Runs `depinfer up --once` in `home` and times its steps. @throws BenchError `bench.startFailed`. */
export async function runNetworkOnce(home: string): Promise<NetworkRun> {
  const port = await freePort("127.0.0.1", 0);
  const launched = performance.now();
  const elapsed = () => (performance.now() - launched) / 1000;
  const child = spawn(
    process.execPath,
    [
      join(projectRoot, "apps/cli/bin/depinfer.js"),
      ...["up", "--once", "Hello", "--json", "--home", home, "--port", String(port)],
    ],
    { stdio: ["ignore", "pipe", "pipe"], timeout: TIMEOUT_MS },
  );
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const forget = undoWhenStopped(async () => {
    child.kill("SIGTERM");
    await ended;
  });
  const steps = new Map<string, number>();
  const reached = new Map<string, number>();
  const lines: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => {
    lines.push(line);
    const [, title, seconds] = STEP_LINE.exec(line) ?? [];
    if (title !== undefined) {
      steps.set(title, Number(seconds));
      reached.set(title, elapsed());
    }
  });
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  const code = await ended;
  forget();
  const exitSeconds = elapsed();
  const answerSeconds = reached.get(ANSWER_STEP);
  const verifiedSeconds = reached.get(VERIFY_STEP);
  if (code !== 0 || answerSeconds === undefined || verifiedSeconds === undefined || !hasPassed(printed)) {
    throw new BenchError({
      code: "bench.startFailed",
      message: `The network ended with code ${code}: ${lines.slice(-6).join(" | ")}`,
      remedy: "Run `npm start -- --once Hello --json` by itself to see why",
      metadata: { code },
    });
  }
  return { answerSeconds, verifiedSeconds, exitSeconds, steps };
}

function hasPassed(printed: string): boolean {
  const parsed = outcome.safeParse(JSON.parse(printed === "" ? "null" : printed));
  return parsed.success && parsed.data.proof.verdict === "pass";
}
