import { DepinferError } from "@depinfer/protocol";
import { z } from "zod";

const share = z.number().min(0).max(1);
const money = z.number().min(0).max(1e12);

/**
 * Auditors and juries of whom some collude, as plain data. One cheating provider and one honest one, many times over. The
 * terms of money are those of specs/07, the schedule of audits that of specs/09.
 */
export const auditScenarioSchema = z
  .strictObject({
    name: z.string().min(1).max(100),
    market: z.literal("audits"),
    /** Members of the validator set. */
    validators: z.int().min(9).max(128).default(128),
    /** Of them, those that attest and vote for cheats and against the honest. */
    colluding: share,
    /** Providers that cheat, and as many honest ones that are accused. */
    providers: z.int().min(1).max(1_000_000).default(1_000),
    /** Receipts of a cheating provider while its stake lasts. */
    receipts: z.int().min(1).max(10_000_000).default(10_000),
    /** Part of them that are cheats. */
    cheats: share.default(1),
    /** Counted passes that it collected before. */
    passes: z.int().min(0).max(1_000_000_000).default(0),
    /** Chance that one honest look at a cheat finds it. */
    detection: share.default(1),
    /** What a cheat saves, in dollars. */
    gainPerCheat: money.default(0.001),
    stake: money.default(100),
    appealBond: money.default(15),
    /** Disputes that colluding members open against each honest provider. */
    accusations: z.int().min(0).max(10_000).default(1),
  })
  .superRefine(({ colluding, validators, accusations }, context) => {
    if (accusations > 0 && colluding > 0 && Math.round(colluding * validators) === 0) {
      context.addIssue({
        code: "custom",
        path: ["colluding"],
        message: `${colluding} of ${validators} members are nobody`,
      });
    }
  });

export type AuditScenario = z.output<typeof auditScenarioSchema>;
export type AuditScenarioInput = z.input<typeof auditScenarioSchema>;

/** @throws DepinferError `scenario.invalid` naming every field that is wrong. */
export function parseAuditScenario(value: unknown): AuditScenario {
  const parsed = auditScenarioSchema.safeParse(value);
  if (!parsed.success) {
    throw new DepinferError({
      code: "scenario.invalid",
      message: `The scenario cannot be simulated: ${parsed.error.issues.map(({ path, message }) => `${path.join(".") || "it"}: ${message}`).join("; ")}`,
      remedy: "Compare it with simulation/scenarios/colluding-auditors.json",
    });
  }
  return parsed.data;
}
