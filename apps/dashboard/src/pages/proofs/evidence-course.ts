import { type AuditRules, calibrationFor, createAuditRecord } from "@depinfer/proof";
import { type AuditEvent, auditEventSchema, type Hex } from "@depinfer/protocol";
import type { evidenceSchema } from "@depinfer/protocol/api";
import type { z } from "zod";

/** The sequential test of one class of a provider after one more verdict. */
export interface CoursePoint {
  /** Verdicts that counted so far. */
  readonly verdicts: number;
  readonly at: number | null;
  readonly tokens: number;
  readonly mismatches: number;
  /** ln of the evidence against honesty; null while too little is known. */
  readonly logEvidence: number | null;
  /** ln of the evidence against the weakest cheat. */
  readonly logCleared: number | null;
}

export interface ClassCourse {
  readonly classId: Hex;
  readonly outcome: "pass" | "inconclusive" | "fail" | null;
  /** ln E from which on it is a failure, and ln of what clears it; null where the class was never measured. */
  readonly failAt: number | null;
  readonly passAt: number | null;
  readonly points: readonly CoursePoint[];
}

export interface Course {
  readonly classes: readonly ClassCourse[];
  /** Verdicts without effect, by reason. */
  readonly uncounted: Readonly<Record<string, number>>;
  /** Events of the indexer that are in no known form; a course over the others would say too little. */
  readonly unknown: number;
}

/**
 * The public record of a provider, added up here event by event as `specs/10-evidence.md` says, with the state after
 * each verdict.
 */
export function courseOf({ provider, auditRate, events }: z.output<typeof evidenceSchema>): Course {
  const record = createAuditRecord(rulesOf(auditRate));
  const points = new Map<Hex, CoursePoint[]>();
  let unknown = 0;
  const known: { readonly event: AuditEvent; readonly at: number | null }[] = [];
  for (const { event, at } of events) {
    const parsed = auditEventSchema.safeParse(event);
    if (parsed.success) {
      known.push({ event: parsed.data, at });
    } else {
      unknown += 1;
    }
  }
  // A block's events replace what was known of the block, so they are given together.
  const blocks = Map.groupBy(known, ({ event }) => event.block);
  for (const [block, happened] of blocks) {
    record.take(
      block,
      happened.map(({ event }) => event),
    );
    for (const { classId, state, outcome } of record.provider(provider).classes) {
      const course = points.get(classId) ?? [];
      if (state.verdicts > (course.at(-1)?.verdicts ?? 0)) {
        course.push({
          verdicts: state.verdicts,
          at: happened.at(-1)?.at ?? null,
          tokens: state.tokens,
          mismatches: state.mismatches,
          logEvidence: finite(outcome?.logEvidence),
          logCleared: finite(outcome?.logCleared),
        });
        points.set(classId, course);
      }
    }
  }
  const { classes, uncounted } = record.provider(provider);
  return {
    classes: classes.map(({ classId, outcome }) => ({
      classId,
      outcome: outcome?.outcome ?? null,
      failAt: outcome?.failAt ?? null,
      passAt: outcome?.passAt ?? null,
      points: points.get(classId) ?? [],
    })),
    uncounted,
    unknown,
  };
}

function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

/** The network's rules, as `depinfer evidence` has them. */
function rulesOf(auditRate: number | null): AuditRules {
  return {
    boundsOf(classId) {
      const calibration = calibrationFor(classId);
      return calibration.classId === null ? undefined : calibration;
    },
    ...(auditRate === null ? {} : { schedule: { newcomer: auditRate, floor: auditRate, halving: 1 } }),
  };
}
