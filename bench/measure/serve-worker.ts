import { errorMessage } from "@depinfer/protocol";
import { z } from "zod";
import { cpuMicros } from "./cpu.ts";

const request = z.object({ id: z.number(), method: z.string(), argument: z.unknown() });

export type WorkerMethods = Readonly<Record<string, (argument: unknown) => unknown>>;

/** The measured process's end of a `Worker`: says that it is ready, answers calls, ends with the bench. */
export function serveWorker(methods: WorkerMethods, stop: () => Promise<void> = async () => undefined): void {
  const all: WorkerMethods = { cpuMicros, ...methods };
  process.on("message", async (message) => {
    const { id, method, argument } = request.parse(message);
    try {
      process.send?.({ id, result: (await all[method]?.(argument)) ?? null });
    } catch (error) {
      process.send?.({ id, result: null, error: errorMessage(error) });
    }
  });
  process.on("disconnect", () => {
    stop().finally(() => process.exit(0));
  });
  process.send?.({ id: -1, result: null });
}
