import { type InteractiveSettings, runInteractive } from "../../../../../simulation/economy/interactive.ts";

/** What is asked, with a number that comes back with the answer. */
export interface SimulationRequest {
  readonly id: number;
  readonly settings: InteractiveSettings;
}

export type SimulationAnswer =
  | { readonly id: number; readonly outcome: ReturnType<typeof runInteractive> }
  | { readonly id: number; readonly error: string };

addEventListener("message", ({ data: { id, settings } }: MessageEvent<SimulationRequest>) => {
  postMessage(answerTo(id, settings));
});

function answerTo(id: number, settings: InteractiveSettings): SimulationAnswer {
  try {
    return { id, outcome: runInteractive(settings) };
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) };
  }
}
