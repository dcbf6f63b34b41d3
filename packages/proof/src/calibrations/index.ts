import type { Hex } from "@depinfer/protocol";
import { type Calibration, parseCalibration, UNCALIBRATED } from "../calibration.ts";
import tiny from "./depinfer-tiny.json" with { type: "json" };

/** Calibrations that come with the project, as `depinfer calibrate` wrote them. */
const SHIPPED: readonly { readonly classId: string }[] = [tiny];

/** What is known of a class: a shipped calibration, or the rule for classes that nobody has measured. */
export function calibrationFor(classId: Hex): Calibration {
  const file = SHIPPED.find((shipped) => shipped.classId === classId);
  return file === undefined ? UNCALIBRATED : parseCalibration(file, classId);
}
