import { type AuditRules, calibrationFor } from "@depinfer/proof";
import type { NetworkFile } from "./network-file.ts";

/** How this network audits. Everybody in it has to count by the same rules to come to the same result. */
export function auditRulesOf({ auditRate }: Pick<NetworkFile, "auditRate">): AuditRules {
  return {
    boundsOf(classId) {
      const calibration = calibrationFor(classId);
      return calibration.classId === null ? undefined : calibration;
    },
    ...(auditRate === undefined ? {} : { schedule: { newcomer: auditRate, floor: auditRate, halving: 1 } }),
  };
}
