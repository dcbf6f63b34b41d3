import { type AuditEvent, type Hex, keccak, toHex, utf8 } from "@depinfer/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AuditRules, createAuditRecord } from "./audit-record.ts";
import { drawMembers } from "./draw.ts";
import { auditRate, isSelected } from "./selection.ts";
import type { EvidenceBounds } from "./sequential.ts";

const word = (label: string): Hex => toHex(keccak(utf8(label)));
const account = (label: string): Hex => `0x${word(label).slice(26)}`;
const [classId, otherClass, beacon] = [word("class"), word("other class"), word("beacon")];
const provider = account("provider");
const validators = [account("a"), account("b"), account("c")];
const BOUNDS: EvidenceBounds = {
  honestMismatchRate: 0.001,
  honestMeanMargin: 0.001,
  clip: 2,
  weakestCheatRate: 0.05,
  minimumTokens: 8,
};
const ALL: AuditRules = {
  schedule: { newcomer: 1, floor: 1, halving: 1 },
  boundsOf: (id) => (id === classId ? BOUNDS : undefined),
};

/** Three members that joined in block 1, a provider, and one epoch whose beacon is of block 11. */
const PREFIX: readonly AuditEvent[] = [
  ...validators.map((validator): AuditEvent => ({ kind: "joined", block: 1, validator, classIds: [classId] })),
  { kind: "provider", block: 2, provider },
  { kind: "root", block: 10, provider, epoch: 1, count: 100 },
  { kind: "beacon", block: 12, provider, epoch: 1, beacon, targetBlock: 11 },
];

type Attested = Extract<AuditEvent, { kind: "attested" }>;

/** A verdict by whoever `among` is drawn for the receipt. */
function verdict(digest: Hex, changes: Partial<Attested> = {}, among: readonly Hex[] = validators): Attested {
  const [validator = provider] = drawMembers(beacon, digest, among, 1);
  return {
    kind: "attested",
    block: 13,
    validator,
    provider,
    epoch: 1,
    digest,
    classId,
    verdict: "pass",
    tokens: 40,
    mismatches: 0,
    marginMicros: 0,
    ...changes,
  };
}

function recordOf(events: readonly AuditEvent[], rules = ALL) {
  const record = createAuditRecord(rules);
  record.take(0, [...PREFIX, ...events]);
  return record;
}

const tally = (events: readonly AuditEvent[], rules = ALL) => recordOf(events, rules).provider(provider);

describe("a verdict", () => {
  test("counts once, by the validator that was drawn", () => {
    const first = verdict(word("1"));
    const record = tally([first, { ...first, verdict: "fail", mismatches: 40 }]);
    expect(record).toMatchObject({ passes: 1, uncounted: { again: 1 } });
    expect(record.classes).toMatchObject([{ classId, state: { verdicts: 1, tokens: 40, mismatches: 0 } }]);
  });

  test("of anyone else leaves no trace, and the drawn one's still counts", () => {
    const right = verdict(word("1"));
    const wrong = validators
      .filter((validator) => validator !== right.validator)
      .map((validator): AuditEvent => ({ ...right, validator, verdict: "fail", mismatches: 40, marginMicros: 80e6 }));
    const record = tally([...wrong, right]);
    expect(record).toMatchObject({ passes: 1, uncounted: { notDrawn: 2 } });
    expect(record.classes).toEqual(tally([right]).classes);
  });

  test.each([
    ["late", { block: 11 + 43_201 }],
    ["noBeacon", { epoch: 2 }],
    ["impossible", { mismatches: 41 }],
    ["impossible", { mismatches: 1, marginMicros: 2_000_001 }],
    ["notDrawn", { classId: otherClass }],
  ] as const)("is not counted: %s", (reason, changes) => {
    const record = tally([verdict(word("1"), changes)]);
    expect(record).toMatchObject({ passes: 0, classes: [], uncounted: { [reason]: 1 } });
  });

  test("in the window's last block counts", () => {
    expect(tally([verdict(word("1"), { block: 11 + 43_200 })]).passes).toBe(1);
  });

  test("about a receipt that the beacon does not select is not counted", () => {
    const digests = Array.from({ length: 400 }, (_, index) => word(`receipt ${index}`));
    const record = tally(
      digests.map((digest) => verdict(digest)),
      { boundsOf: () => BOUNDS },
    );
    const selected = digests.filter((digest) => isSelected(beacon, digest, { count: 100, rate: auditRate(0) }));
    expect(selected.length).toBeGreaterThan(40);
    expect(record).toMatchObject({ passes: selected.length, uncounted: { notSelected: 400 - selected.length } });
  });
});

describe("who is drawn", () => {
  const auditors = (changes: readonly AuditEvent[]) => {
    const record = createAuditRecord({ ...ALL, auditors: 3 });
    record.take(
      0,
      [...changes, ...PREFIX].sort((a, b) => a.block - b.block),
    );
    return new Set(record.auditorsOf({ provider, epoch: 1, digest: word("1"), classId }));
  };
  const [a = provider] = validators;
  const others = new Set(validators.slice(1));

  test("had joined before the beacon's block", () => {
    const late = account("late");
    expect(auditors([{ kind: "joined", block: 10, validator: late, classIds: [classId] }])).toContain(late);
    expect(auditors([{ kind: "joined", block: 11, validator: late, classIds: [classId] }])).not.toContain(late);
  });

  test("had not asked to leave before it; who leaves later still owes the audit", () => {
    expect(auditors([{ kind: "leaving", block: 10, validator: a }])).toEqual(others);
    expect(auditors([{ kind: "leaving", block: 11, validator: a }])).toEqual(new Set(validators));
    expect(
      auditors([
        { kind: "leaving", block: 12, validator: a },
        { kind: "left", block: 400, validator: a },
      ]),
    ).toEqual(new Set(validators));
  });

  test("scored the class before it, whatever it says afterwards", () => {
    expect(auditors([{ kind: "classes", block: 10, validator: a, classIds: [otherClass] }])).toEqual(others);
    expect(auditors([{ kind: "classes", block: 11, validator: a, classIds: [otherClass] }])).toEqual(
      new Set(validators),
    );
  });

  test("is unknown without a beacon and nobody for what is not selected", () => {
    const record = recordOf([{ kind: "root", block: 20, provider, epoch: 2, count: 1_000_000 }], {
      schedule: { newcomer: 0, floor: 0, halving: 1 },
    });
    expect(record.auditorsOf({ provider, epoch: 2, digest: word("1"), classId })).toBeUndefined();
    expect(record.auditorsOf({ provider, epoch: 3, digest: word("1"), classId })).toBeUndefined();
    record.take(22, [{ kind: "beacon", block: 22, provider, epoch: 2, beacon, targetBlock: 21 }]);
    expect(record.auditorsOf({ provider, epoch: 2, digest: word("1"), classId })).toEqual([]);
  });
});

test("the audited share is that of the moment when the root was posted", () => {
  const rules: AuditRules = { boundsOf: () => BOUNDS };
  const passes = Array.from({ length: 2_000 }, (_, index) => word(`receipt ${index}`))
    .filter((digest) => isSelected(beacon, digest, { count: 100, rate: auditRate(0) }))
    .map((digest) => verdict(digest));
  const second: AuditEvent = { kind: "root", block: 14, provider, epoch: 2, count: 100 };
  expect(recordOf([second, ...passes], rules).epoch(provider, 2)?.rate).toBe(0.2);
  const after = recordOf([...passes, second], rules);
  expect(after.epoch(provider, 2)?.rate).toBe(auditRate(passes.length));
  expect(after.epoch(provider, 1)?.rate).toBe(0.2);
  expect(after.provider(provider).rate).toBe(auditRate(passes.length));
});

test("providers are numbered by their first registration, and an account that never was one is not", () => {
  const again: AuditEvent[] = [
    { kind: "provider", block: 20, provider: account("second") },
    { kind: "provider", block: 21, provider },
    { kind: "provider", block: 22, provider: account("third") },
  ];
  const record = recordOf(again);
  expect(record.providers()).toEqual([provider, account("second"), account("third")]);
  expect([provider, account("second"), account("third")].map((one) => record.provider(one).ordinal)).toEqual([1, 2, 3]);
  expect(record.provider(account("nobody"))).toMatchObject({ ordinal: null, passes: 0, classes: [] });
});

test("a provider that cheats is convicted by the record, one without bounds is not", () => {
  const guilty = (index: number) =>
    verdict(word(`bad ${index}`), { verdict: "fail", tokens: 60, mismatches: 12, marginMicros: 9e6 });
  const events = [0, 1, 2].map(guilty);
  expect(tally(events).classes[0]?.outcome).toMatchObject({ outcome: "fail" });
  expect(tally(events, { schedule: { newcomer: 1, floor: 1, halving: 1 } }).classes).toMatchObject([
    { state: { verdicts: 3, mismatches: 36 }, outcome: null },
  ]);
});

test("a reorganisation leaves nothing behind: blocks that come again replace what was known of them", () => {
  const later = fc.array(
    fc.record({
      block: fc.integer({ min: 13, max: 60 }),
      receipt: fc.integer({ min: 0, max: 20 }),
      mismatches: fc.integer({ min: 0, max: 40 }),
    }),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(later, later, fc.integer({ min: 13, max: 60 }), (before, after, fork) => {
      const events = (list: typeof before) =>
        list
          .map(({ block, receipt, mismatches }) => verdict(word(`r${receipt}`), { block, mismatches }))
          .sort((a, b) => a.block - b.block);
      const record = recordOf(events(before));
      const replaced = events(after).filter(({ block }) => block >= fork);
      record.take(fork, replaced);
      const fresh = recordOf([...events(before).filter(({ block }) => block < fork), ...replaced]);
      expect(record.provider(provider)).toEqual(fresh.provider(provider));
    }),
  );
});
