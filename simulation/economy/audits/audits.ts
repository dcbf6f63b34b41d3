import { createRandom, type Random } from "@depinfer/economics";
import type { AuditScenario } from "./audit-scenario.ts";
import { auditRate } from "./schedule.ts";

/*
 * Auditors and juries of whom some collude (specs/07, specs/09). For each selected receipt one member is drawn. A colluding one
 * attests that a cheat is honest, and nothing follows; an honest one that finds it opens a dispute. Whoever loses before the
 * first jury appeals. Colluding jurors vote as they colluded; the appeal's jury decides.
 */

const FIRST_JURY = 3;
const APPEAL_JURY = 7;

export interface AuditOutcome {
  readonly trace: number;
  /** Part of the cheating providers that were never convicted. */
  readonly neverConvicted: number;
  /** Dollars that cheating earned on average: what was saved, less stake and lost appeals. */
  readonly cheatProfit: number;
  /** Part of the honest providers that were convicted. */
  readonly honestConvicted: number;
  /** Receipts until the conviction of those that were convicted; NaN if none was. */
  readonly receiptsUntilConvicted: number;
}

export function simulateAudits(scenario: AuditScenario, seed: number): AuditOutcome {
  const { validators, providers, receipts, cheats, passes, detection, gainPerCheat, stake, appealBond } = scenario;
  const colluders = Math.round(scenario.colluding * validators);
  const draw = createRandom(seed, "auditors");
  const juries = createRandom(seed, "juries");
  const rate = auditRate(passes);
  let trace = 2_166_136_261;
  let free = 0;
  let profit = 0;
  let until = 0;
  for (let provider = 0; provider < providers; provider++) {
    let convictedAt = 0;
    for (let receipt = 1; receipt <= receipts && convictedAt === 0; receipt++) {
      if (draw() >= cheats) {
        continue;
      }
      profit += gainPerCheat;
      if (draw() >= rate || draw() * validators < colluders || draw() >= detection) {
        continue;
      }
      // The auditor that opens the dispute is honest, and does not sit in its jury.
      const { first, final } = judge(juries, validators - 1, colluders);
      trace = Math.imul(trace ^ (receipt * 4 + first * 2 + final), 16_777_619) >>> 0;
      if (final === 1) {
        convictedAt = receipt;
        profit -= stake + (first === 1 ? appealBond : 0);
      }
    }
    free += convictedAt === 0 ? 1 : 0;
    until += convictedAt;
  }
  let wronged = 0;
  for (let provider = 0; provider < providers && colluders > 0; provider++) {
    let convicted = 0;
    for (let accusation = 0; accusation < scenario.accusations && convicted === 0; accusation++) {
      // The accuser colludes, and does not sit in the jury either. Its friends convict where honest jurors would acquit.
      const { final } = judge(juries, validators - 1, validators - colluders);
      convicted = final;
    }
    trace = Math.imul(trace ^ convicted, 16_777_619) >>> 0;
    wronged += convicted;
  }
  return {
    trace,
    neverConvicted: free / providers,
    cheatProfit: profit / providers,
    honestConvicted: wronged / providers,
    receiptsUntilConvicted: until / (providers - free),
  };
}

/** Whether each jury convicts, 1 or 0: more than half of it is not among the `against` who vote to acquit. */
function judge(random: Random, members: number, against: number): { readonly first: number; readonly final: number } {
  let acquitting = against;
  let others = members;
  function jury(size: number): number {
    let convict = 0;
    for (let seat = 0; seat < size; seat++) {
      if (random() * others < acquitting) {
        acquitting -= 1;
      } else {
        convict += 1;
      }
      others -= 1;
    }
    return convict * 2 > size ? 1 : 0;
  }
  const first = jury(FIRST_JURY);
  // Those who sat in the first jury rank behind everybody else, so that the appeal's is drawn from the rest while it suffices.
  return { first, final: others >= APPEAL_JURY ? jury(APPEAL_JURY) : first };
}
