import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { RouteTable } from "@depinfer/gateway/http";
import {
  type CalibrationFile,
  CONFIDENCE,
  calibrationFileSchema,
  calibrationOf,
  FALSE_POSITIVE_RATE,
  SHIPPED_CALIBRATIONS,
} from "@depinfer/proof";
import { DepinferError, errorMessage, type Log } from "@depinfer/protocol";
import { type CalibrationView, SERVED_BENCHMARKS } from "@depinfer/protocol/api";
import { calibrationFolder } from "../calibration-file.ts";
import { checkout } from "../home.ts";
import { sendJson } from "./answer.ts";

/** `GET /api/calibrations` and `GET /api/benchmarks/:name`: what was measured, so that pages can plot it. */
export function proofRoutes(networkFile: string, log: Log, results = resultsFolder()): RouteTable {
  return {
    "/api/calibrations": {
      GET: (_, response) => sendJson(response, 200, { data: calibrations(dirname(networkFile), log) }),
    },
    "/api/benchmarks/:name": {
      GET: (_, response, { name = "" }) => sendJson(response, 200, benchmark(results, name)),
    },
  };
}

function resultsFolder(): string | null {
  return checkout === undefined ? null : join(checkout, "bench/results");
}

/** Those of this machine go before those that come with the project. */
function calibrations(home: string, log: Log): readonly CalibrationView[] {
  const local = localCalibrations(home, log);
  const shipped = SHIPPED_CALIBRATIONS.filter(({ classId }) => !local.some((file) => file.classId === classId));
  return [...local.map((file) => viewOf(file, "local")), ...shipped.map((file) => viewOf(file, "shipped"))];
}

function localCalibrations(home: string, log: Log): readonly CalibrationFile[] {
  const folder = calibrationFolder(home);
  if (!existsSync(folder)) {
    return [];
  }
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .sort()
    .flatMap((name) => {
      try {
        return [calibrationFileSchema.parse(JSON.parse(readFileSync(join(folder, name), "utf8")))];
      } catch (error) {
        log("warn", `the calibration ${name} cannot be read: ${errorMessage(error)}`);
        return [];
      }
    });
}

function viewOf(file: CalibrationFile, source: CalibrationView["source"]): CalibrationView {
  const { honestMismatchRate, honestMeanMargin, weakestCheatRate, minimumTokens } = calibrationOf(file);
  const { classId, runtimeClass, margin, honest, weakestCheat, provenance } = file;
  const { at, machine, tasks, temperatures, prompts } = provenance;
  return {
    classId,
    source,
    runtimeClass,
    margin,
    honest,
    weakestCheat,
    honestMismatchRate,
    honestMeanMargin,
    weakestCheatRate,
    minimumTokens,
    confidence: CONFIDENCE,
    falsePositiveRate: FALSE_POSITIVE_RATE,
    provenance: { at, machine, tasks, temperatures, prompts },
  };
}

function benchmark(results: string | null, name: string): unknown {
  const known = SERVED_BENCHMARKS.find((one) => one === name);
  const path = results === null || known === undefined ? null : join(results, `${known}.json`);
  if (path === null || !existsSync(path)) {
    throw new DepinferError({
      code: "benchmark.unknown",
      message: `There are no results of ${JSON.stringify(name.slice(0, 80))} here`,
      remedy: `Ask for one of ${SERVED_BENCHMARKS.join(", ")}, with a console that runs from a checkout`,
    });
  }
  return JSON.parse(readFileSync(path, "utf8"));
}
