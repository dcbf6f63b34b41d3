import { useEffect, useRef, useState } from "react";
import type { InteractiveOutcome, InteractiveSettings } from "../../../../../simulation/economy/interactive.ts";
import type { SimulationAnswer, SimulationRequest } from "./simulate-worker.ts";

export interface Simulation {
  /** Of the settings before while others are simulated; null at first. */
  readonly outcome: InteractiveOutcome | null;
  readonly running: boolean;
  readonly error: string | null;
}

/**
 * Runs the simulator beside the page, so that sliders move freely. While it is at work only the last settings wait: what
 * somebody slid past is never simulated.
 */
export function useSimulation(settings: InteractiveSettings): Simulation {
  const [state, setState] = useState<Simulation>({ outcome: null, running: true, error: null });
  const ask = useRef<((settings: InteractiveSettings) => void) | null>(null);

  useEffect(() => {
    const worker = new Worker(new URL("./simulate-worker.ts", import.meta.url), { type: "module" });
    let [asked, busy]: [number, boolean] = [0, false];
    let waiting: InteractiveSettings | null = null;
    const send = (wanted: InteractiveSettings) => {
      if (busy) {
        waiting = wanted;
        return;
      }
      busy = true;
      asked += 1;
      worker.postMessage({ id: asked, settings: wanted } satisfies SimulationRequest);
      setState((before) => ({ ...before, running: true }));
    };
    worker.addEventListener("message", ({ data }: MessageEvent<SimulationAnswer>) => {
      busy = false;
      setState((before) =>
        "error" in data
          ? { ...before, running: false, error: data.error }
          : { outcome: data.outcome, running: false, error: null },
      );
      if (waiting !== null) {
        const next = waiting;
        waiting = null;
        send(next);
      }
    });
    worker.addEventListener("error", () =>
      setState((before) => ({ ...before, running: false, error: "The simulator could not be started here" })),
    );
    ask.current = send;
    return () => {
      ask.current = null;
      worker.terminate();
    };
  }, []);

  // By value: the object is made anew with every rendering.
  const key = JSON.stringify(settings);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `key` stands for the settings
  useEffect(() => ask.current?.(settings), [key]);
  return state;
}
