import type { RouteTable } from "@depinfer/gateway/http";
import type { CpuLibrary } from "@depinfer/inference";
import { FALSE_POSITIVE_RATE, type PositionMargin } from "@depinfer/proof";
import { DepinferError, errorMessage, type Hex, type Log } from "@depinfer/protocol";
import { CONSOLE_VERIFY_PATH, verifyBodySchema } from "@depinfer/protocol/api";
import { readCalibration } from "../../calibration-file.ts";
import type { Verification } from "../../verification.ts";
import type { JudgeOptions } from "../../verify-by-level.ts";
import { errorView } from "../answer.ts";
import { createEventWriter, type EventWriter } from "../event-writer.ts";
import { readJson } from "../guard.ts";
import type { EngineKeeper } from "./engine-keeper.ts";
import type { WorkQueue } from "./queue.ts";

export interface VerifyRouteModules {
  readonly engines: EngineKeeper;
  readonly queue: WorkQueue;
  readonly log: Log;
}

export interface VerifyRouteOptions {
  readonly networkFile: string;
  /** Weights to compute with; the embedded test model by default. */
  readonly model?: string;
  readonly cpuLibrary: CpuLibrary;
}

/** A gateway takes bodies of a mebibyte, which are here in base64, beside the answer's text and its tokens' ids. */
const MOST_BYTES = 4 * 1024 * 1024;
/** Margins are sent in pieces, so that a page draws some dozen times a second at most. */
const PIECE_MS = 40;

/** `POST /api/verify`: scores an answer again with this machine's processor and tells of it as it goes. */
export function verifyRoute({ engines, queue, log }: VerifyRouteModules, options: VerifyRouteOptions): RouteTable {
  const { networkFile, model, cpuLibrary } = options;
  return {
    [CONSOLE_VERIFY_PATH]: {
      async POST(request, response) {
        const { receipt: file } = await readJson(request, verifyBodySchema, MOST_BYTES);
        const tokens = file.transcript?.outputTokens.length ?? 0;
        let events: EventWriter | undefined;
        const closed = new AbortController();
        response.once("close", () => closed.abort(new Error("the client is gone")));
        // Whoever finds the queue full is told by a status; everybody else by events.
        const open = () => {
          events ??= createEventWriter(response);
          return events;
        };
        try {
          await queue.run(
            async () => {
              const writer = open();
              writer.send("progress", { phase: "loading", scored: 0, tokens });
              const pieces = marginPieces(writer, tokens);
              const judging: JudgeOptions = {
                networkFile,
                model,
                cpuLibrary,
                lendEngine: (weights, work) => engines.lend(weights, work),
                watch: { onScored: pieces.scored, onMargin: pieces.margin, signal: closed.signal },
              };
              const { verify } = await import("../../verification.ts");
              const verification = await verify({ ...file, cost: file.cost.toString() }, judging);
              pieces.flush();
              const classId = file.receipt?.receipt.classId ?? null;
              writer.send("verdict", verdictOf(verification, file, thresholdOf(networkFile, classId)));
            },
            (ahead) => ahead > 0 && open().send("queued", { ahead }),
            closed.signal,
          );
        } catch (error) {
          if (events === undefined) {
            throw error;
          }
          if (!closed.signal.aborted && !(error instanceof DepinferError)) {
            log("error", `verification failed: ${errorMessage(error)}`);
          }
          events.send("error", errorView(error));
        } finally {
          events?.end();
        }
      },
    },
  };
}

function verdictOf(
  { verdict, milliseconds }: Verification,
  { provider, model }: { readonly provider: string; readonly model: string },
  threshold: object | null,
) {
  return { ...verdict, provider, model, milliseconds, threshold };
}

/** What the margins are held against; null where nobody has measured the class. */
function thresholdOf(networkFile: string, classId: Hex | null) {
  if (classId === null) {
    return null;
  }
  const found = readCalibration(networkFile, classId);
  return found.classId === null
    ? null
    : {
        clip: found.clip,
        honestMismatchRate: found.honestMismatchRate,
        honestMeanMargin: found.honestMeanMargin,
        weakestCheatRate: found.weakestCheatRate,
        falsePositiveRate: FALSE_POSITIVE_RATE,
        minimumTokens: found.minimumTokens,
      };
}

function marginPieces(events: EventWriter, tokens: number) {
  let next = 0;
  let scored = 0;
  let pending: PositionMargin[] = [];
  let sentAt = performance.now();

  function flush(): void {
    events.send("progress", { phase: "scoring", scored, tokens });
    if (pending.length > 0) {
      const from = next;
      next += pending.length;
      events.send("margins", {
        from,
        values: pending.map(({ margin }) => margin),
        informative: pending.map(({ informative }) => informative),
        mismatches: pending.flatMap(({ margin }, index) => (margin > 0 ? [from + index] : [])),
      });
    }
    pending = [];
    sentAt = performance.now();
  }

  function soon(): void {
    if (performance.now() - sentAt > PIECE_MS) {
      flush();
    }
  }

  return {
    flush,
    scored(count: number) {
      scored = count;
      soon();
    },
    margin(_index: number, margin: PositionMargin) {
      pending.push(margin);
      soon();
    },
  };
}
