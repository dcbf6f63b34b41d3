import type { Hex } from "@depinfer/protocol";
import {
  type Calibration,
  type CalibrationFile,
  calibrationFileSchema,
  parseCalibration,
  UNCALIBRATED,
} from "../calibration.ts";
import tiny from "./depinfer-tiny.json" with { type: "json" };

const SHIPPED: readonly { readonly classId: string }[] = [tiny];

/** Calibrations that come with the project, as `depinfer calibrate` wrote them. */
export const SHIPPED_CALIBRATIONS: readonly CalibrationFile[] = SHIPPED.map((file) =>
  calibrationFileSchema.parse(file),
);

/** What is known of a class: a shipped calibration, or the rule for classes that nobody has measured. */
export function calibrationFor(classId: Hex): Calibration {
  const file = SHIPPED.find((shipped) => shipped.classId === classId);
  return file === undefined ? UNCALIBRATED : parseCalibration(file, classId);
}
