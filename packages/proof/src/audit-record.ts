import { type AuditEvent, errorCode, type Hex } from "@depinfer/protocol";
import { drawMembers } from "./draw.ts";
import { AUDIT_SCHEDULE, type AuditSchedule, auditRate, isSelected } from "./selection.ts";
import {
  addVerdict,
  createEvidence,
  type Evidence,
  type EvidenceBounds,
  type EvidenceOptions,
  type EvidenceOutcome,
  type EvidenceState,
  NO_EVIDENCE,
} from "./sequential.ts";

/*
 * The public record: what every audit said of every provider, made of the chain's events alone, so that a validator, a
 * juror and a stranger come to the same result. An attestation counts if
 *
 *   - it is about an epoch whose beacon is drawn, and comes within the window after the beacon's block,
 *   - the beacon selected the receipt at the provider's rate when it posted the root,
 *   - the beacon drew the validator among the members of the class before the beacon's block,
 *   - it is the first that counts for the receipt, and says something that an answer can have.
 *
 * Everything else stays without effect. That the receipt is one of the epoch's, the contract has checked. That its class
 * is the one attested, only somebody with the receipt can check; a validator that names another has judged nothing.
 */

export interface AuditRules extends EvidenceOptions {
  readonly schedule?: AuditSchedule;
  /** Validators that are drawn for each selected receipt. */
  readonly auditors?: number;
  /** Blocks after the beacon's target block within which a verdict counts. */
  readonly windowBlocks?: number;
  /** What is known of a class, or undefined: then verdicts are added up and nobody is convicted by them. */
  readonly boundsOf?: (classId: Hex) => EvidenceBounds | undefined;
}

/** A day of two-second blocks: long enough for a validator that restarts, too short to wait for a better moment. */
const WINDOW_BLOCKS = 43_200;
const AUDITORS = 1;

export interface EpochRecord {
  readonly count: number;
  /** Share of its receipts that are audited, fixed when the root was posted. */
  readonly rate: number;
  readonly beacon: Hex | undefined;
  readonly targetBlock: number | undefined;
  /** The last block in which a verdict on its receipts counts. */
  readonly lastBlock: number | undefined;
}

/** Why an attestation has no effect. */
export const UNCOUNTED = ["noBeacon", "late", "notSelected", "notDrawn", "again", "impossible"] as const;
export type Uncounted = (typeof UNCOUNTED)[number];

export interface ClassRecord {
  readonly classId: Hex;
  readonly state: EvidenceState;
  /** Null where nothing is known of the class, or of the provider's registration. */
  readonly outcome: EvidenceOutcome | null;
}

export interface ProviderRecord {
  /** Place in the order of first registrations, from 1; null for an account that never was a provider. */
  readonly ordinal: number | null;
  /** Counted verdicts that were passes. */
  readonly passes: number;
  /** Share of its next epoch's receipts that will be audited. */
  readonly rate: number;
  readonly classes: readonly ClassRecord[];
  readonly uncounted: Readonly<Record<Uncounted, number>>;
}

export interface AuditRecord {
  /** Takes the events of blocks from `fromBlock` on, which replace whatever was known of these blocks. */
  take(fromBlock: number, events: readonly AuditEvent[]): void;
  epoch(provider: Hex, epoch: number): EpochRecord | undefined;
  /** Who audits a receipt: nobody where it is not selected; undefined while the beacon is not drawn. */
  auditorsOf(receipt: {
    readonly provider: Hex;
    readonly epoch: number;
    readonly digest: Hex;
    readonly classId: Hex;
  }): readonly Hex[] | undefined;
  provider(provider: Hex): ProviderRecord;
  providers(): readonly Hex[];
}

type Attested = Extract<AuditEvent, { kind: "attested" }>;
type MemberEvent = Extract<AuditEvent, { kind: "joined" | "classes" | "leaving" | "left" }>;

interface Entry {
  readonly classIds: readonly Hex[];
  readonly leaving: boolean;
}

interface Tally {
  ordinal: number | null;
  passes: number;
  readonly classes: Map<Hex, EvidenceState>;
  readonly uncounted: Record<Uncounted, number>;
}

interface Facts {
  readonly tallies: Map<Hex, Tally>;
  readonly epochs: Map<string, EpochRecord>;
  readonly members: MemberEvent[];
  readonly judged: Set<string>;
  registered: number;
}

export function createAuditRecord(rules: AuditRules = {}): AuditRecord {
  const { schedule = AUDIT_SCHEDULE, auditors = AUDITORS, windowBlocks = WINDOW_BLOCKS, boundsOf } = rules;
  const evidenceOf = new Map<Hex, Evidence | null>();
  let known: AuditEvent[] = [];
  let facts = noFacts();

  function apply(event: AuditEvent): void {
    switch (event.kind) {
      case "provider": {
        const tally = tallyOf(event.provider);
        if (tally.ordinal === null) {
          facts.registered += 1;
          tally.ordinal = facts.registered;
        }
        return;
      }
      case "root": {
        const rate = auditRate(tallyOf(event.provider).passes, schedule);
        const { count } = event;
        facts.epochs.set(keyOf(event), {
          count,
          rate,
          beacon: undefined,
          targetBlock: undefined,
          lastBlock: undefined,
        });
        return;
      }
      case "beacon": {
        const epoch = facts.epochs.get(keyOf(event));
        if (epoch !== undefined) {
          facts.epochs.set(keyOf(event), {
            ...epoch,
            beacon: event.beacon,
            targetBlock: event.targetBlock,
            lastBlock: event.targetBlock + windowBlocks,
          });
        }
        return;
      }
      case "attested": {
        const tally = tallyOf(event.provider);
        const reason = count(event, tally);
        if (reason !== null) {
          tally.uncounted[reason] += 1;
        }
        return;
      }
      default:
        facts.members.push(event);
    }
  }

  /** Counts a verdict, or says why it does not count. */
  function count(event: Attested, tally: Tally): Uncounted | null {
    const epoch = facts.epochs.get(keyOf(event));
    const drawn = auditorsOf(event);
    if (drawn === undefined || epoch?.lastBlock === undefined) {
      return "noBeacon";
    }
    if (event.block > epoch.lastBlock) {
      return "late";
    }
    if (!selected(epoch, event.digest)) {
      return "notSelected";
    }
    if (!drawn.includes(event.validator)) {
      return "notDrawn";
    }
    const receipt = `${event.provider}/${event.digest}`;
    if (facts.judged.has(receipt)) {
      return "again";
    }
    const before = tally.classes.get(event.classId) ?? NO_EVIDENCE;
    const evidence = evidenceFor(event.classId);
    try {
      tally.classes.set(event.classId, evidence === null ? addVerdict(before, event) : evidence.add(before, event));
    } catch (error) {
      if (errorCode(error) === "evidence.impossible") {
        return "impossible";
      }
      throw error;
    }
    facts.judged.add(receipt);
    tally.passes += event.verdict === "pass" ? 1 : 0;
    return null;
  }

  function evidenceFor(classId: Hex): Evidence | null {
    let evidence = evidenceOf.get(classId);
    if (evidence === undefined) {
      const bounds = boundsOf?.(classId);
      evidence = bounds === undefined ? null : createEvidence(bounds, rules);
      evidenceOf.set(classId, evidence);
    }
    return evidence;
  }

  function auditorsOf({ provider, epoch: number, digest, classId }: Parameters<AuditRecord["auditorsOf"]>[0]) {
    const epoch = facts.epochs.get(keyOf({ provider, epoch: number }));
    if (epoch?.beacon === undefined || epoch.targetBlock === undefined) {
      return undefined;
    }
    return selected(epoch, digest)
      ? drawMembers(epoch.beacon, digest, eligible(classId, epoch.targetBlock), auditors)
      : [];
  }

  /** Members that had joined, supported the class and had not asked to leave before the block. */
  function eligible(classId: Hex, targetBlock: number): Hex[] {
    const entries = new Map<Hex, Entry>();
    for (const event of facts.members) {
      if (event.block >= targetBlock) {
        break;
      }
      const entry = entries.get(event.validator);
      if (event.kind === "joined" || event.kind === "classes") {
        entries.set(event.validator, { classIds: event.classIds, leaving: false });
      } else if (event.kind === "left") {
        entries.delete(event.validator);
      } else if (entry !== undefined) {
        entries.set(event.validator, { ...entry, leaving: true });
      }
    }
    return [...entries].flatMap(([validator, { classIds, leaving }]) =>
      !leaving && classIds.includes(classId) ? [validator] : [],
    );
  }

  function tallyOf(provider: Hex): Tally {
    let tally = facts.tallies.get(provider);
    if (tally === undefined) {
      tally = { ordinal: null, passes: 0, classes: new Map(), uncounted: noneUncounted() };
      facts.tallies.set(provider, tally);
    }
    return tally;
  }

  return {
    take(fromBlock, events) {
      const kept = known.findIndex(({ block }) => block >= fromBlock);
      if (kept === -1) {
        known.push(...events);
        events.forEach(apply);
        return;
      }
      // Sums cannot be taken apart again; a reorganisation is rare enough to begin anew.
      known = [...known.slice(0, kept), ...events];
      facts = noFacts();
      known.forEach(apply);
    },
    epoch: (provider, epoch) => facts.epochs.get(keyOf({ provider, epoch })),
    auditorsOf,
    provider(provider) {
      const { ordinal, passes, classes, uncounted } = facts.tallies.get(provider) ?? {
        ordinal: null,
        passes: 0,
        classes: new Map<Hex, EvidenceState>(),
        uncounted: noneUncounted(),
      };
      return {
        ordinal,
        passes,
        rate: auditRate(passes, schedule),
        classes: [...classes].map(([classId, state], index) => ({
          classId,
          state,
          outcome: ordinal === null ? null : (evidenceFor(classId)?.outcome(state, ordinal, index + 1) ?? null),
        })),
        uncounted: { ...uncounted },
      };
    },
    providers: () => [...facts.tallies].flatMap(([provider, { ordinal }]) => (ordinal === null ? [] : [provider])),
  };
}

function selected({ beacon, count, rate }: EpochRecord, digest: Hex): boolean {
  return beacon !== undefined && isSelected(beacon, digest, { count, rate });
}

function keyOf({ provider, epoch }: { readonly provider: Hex; readonly epoch: number }): string {
  return `${provider}/${epoch}`;
}

function noFacts(): Facts {
  return { tallies: new Map(), epochs: new Map(), members: [], judged: new Set(), registered: 0 };
}

function noneUncounted(): Record<Uncounted, number> {
  return { noBeacon: 0, late: 0, notSelected: 0, notDrawn: 0, again: 0, impossible: 0 };
}
