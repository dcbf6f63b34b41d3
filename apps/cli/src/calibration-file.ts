import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Calibration, calibrationFor, parseCalibration } from "@depinfer/proof";
import { DepinferError, errorMessage, type Hex } from "@depinfer/protocol";

/** Where `depinfer calibrate` writes what it measures, beside the network's file. */
export function calibrationFolder(home: string): string {
  return join(home, "calibrations");
}

/** The file of one class there. */
export function calibrationPath(home: string, classId: Hex): string {
  return join(calibrationFolder(home), `${classId}.json`);
}

/**
 * What was measured of a class on this machine, else what comes with the project, else the rule for classes that nobody
 * has measured.
 *
 * @throws DepinferError `calibration.malformed` or `calibration.otherClass`.
 */
export function readCalibration(networkFile: string, classId: Hex): Calibration {
  const path = calibrationPath(dirname(networkFile), classId);
  if (!existsSync(path)) {
    return calibrationFor(classId);
  }
  try {
    return parseCalibration(JSON.parse(readFileSync(path, "utf8")), classId);
  } catch (cause) {
    if (cause instanceof DepinferError) {
      throw cause;
    }
    throw new DepinferError({
      code: "calibration.malformed",
      message: `The calibration ${path} cannot be read: ${errorMessage(cause)}`,
      remedy: "Delete it, or make it again with `depinfer calibrate`",
      metadata: { path },
      cause,
    });
  }
}
