import { randomBytes } from "node:crypto";
import type { Chain, DisputeState } from "@depinfer/chain";
import { formatUsd, type Hex, receiptDigest, toHex } from "@depinfer/protocol";
import { appeal, challenge, type DisputeObserver } from "@depinfer/validator";
import type { Steps } from "../up/steps.ts";
import { accusationOf } from "./accusation.ts";
import { type Account, snapshot, total } from "./holdings.ts";
import { type Rehearsal, withRehearsal } from "./rehearsal.ts";
import type { Story } from "./story-names.ts";

/** What a story shows, and whether it was so. */
export interface Claim {
  readonly says: string;
  readonly holds: boolean;
}

export interface Outcome {
  readonly state: DisputeState;
  readonly accounts: readonly Account[];
  readonly claims: readonly Claim[];
}

const TITLES: Readonly<Record<Story, string>> = {
  cheat: "a provider serves a cheaper model, is switched off after answering, and loses its stake all the same",
  accusation: "a malicious accuser loses its bond, the honest provider nothing",
  lazy: "jurors that pass a known cheat without looking lose stake on appeal",
};

export function titleOf(story: Story): string {
  return TITLES[story];
}

export function tell(story: Story, steps: Steps): Promise<Outcome> {
  switch (story) {
    case "cheat":
      return cheat(steps);
    case "accusation":
      return accusation(steps);
    case "lazy":
      return lazy(steps);
  }
}

const JURORS = ["validator-1", "validator-2", "validator-3", "validator-4", "validator-5"];

function cheat(steps: Steps): Promise<Outcome> {
  return withRehearsal({ adversary: "model", validators: JURORS.length }, steps, async (rehearsal) => {
    const { network } = rehearsal;
    const file = await steps.run("Buying an answer that the provider makes with a cheaper model", () =>
      rehearsal.buyAnswer("fail"),
    );
    await steps.run("Switching the provider off, so that it cooperates no more", () =>
      network.supervisor.abandon("provider-1"),
    );
    const reporter = await rehearsal.as("reporter");
    const look = await everybody(rehearsal, reporter, { reporter: account(reporter) });
    const state = await steps.run("A third party disputes the answer with receipt and transcript", () =>
      challenge(reporter, accusationOf(file), narrate(steps)),
    );
    const accounts = await look();
    const of = byRole(accounts);
    const cost = file.receipt?.receipt.cost ?? 0n;
    const sink = change(of("sink"));
    return {
      state,
      accounts,
      claims: [
        { says: "the verdict is fail", holds: state.outcome === "fail" },
        {
          says: "the provider had a stake, and it is gone",
          holds: of("accused").before.stake > 0n && of("accused").after.stake === 0n,
        },
        { says: `the buyer is refunded ${formatUsd(cost)}`, holds: cost > 0n && change(of("buyer")) === cost },
        {
          says: "the reporter has its bond back and a reward of at most half",
          holds: change(of("reporter")) > 0n && 2n * (change(of("reporter")) + cost) <= of("accused").before.stake,
        },
        { says: "the jurors of the majority are paid", holds: jurors(accounts).some((one) => change(one) > 0n) },
        { says: "the rest is the sink's", holds: sink > 0n },
        { says: "every unit is accounted for", holds: conserved(accounts) },
      ],
    };
  });
}

function accusation(steps: Steps): Promise<Outcome> {
  return withRehearsal({ validators: JURORS.length }, steps, async (rehearsal) => {
    const file = await steps.run("Buying an answer from an honest provider", () => rehearsal.buyAnswer("pass"));
    const accuser = await rehearsal.as("accuser");
    const look = await everybody(rehearsal, accuser, { accuser: account(accuser) });
    const bond = await accuser.disputes.bond();
    const state = await steps.run("Somebody disputes it all the same", () =>
      challenge(accuser, accusationOf(file), narrate(steps)),
    );
    const accounts = await look();
    const of = byRole(accounts);
    return {
      state,
      accounts,
      claims: [
        { says: "the verdict is pass", holds: state.outcome === "pass" },
        {
          says: "the provider keeps all of its stake",
          holds: of("accused").before.stake > 0n && of("accused").after.stake === of("accused").before.stake,
        },
        { says: `the accuser loses its bond of ${formatUsd(bond)}`, holds: change(of("accuser")) === -bond },
        { says: "half of it is the provider's", holds: 2n * change(of("accused")) >= bond },
        { says: "no juror loses anything", holds: jurors(accounts).every((one) => change(one) >= 0n) },
        { says: "every unit is accounted for", holds: conserved(accounts) },
      ],
    };
  });
}

function lazy(steps: Steps): Promise<Outcome> {
  const [first, second] = [JURORS.slice(0, 3), JURORS.slice(3)];
  const options = {
    adversary: "model",
    validators: first.length,
    lazyValidators: 2,
    // The others start while the first jury votes; the appeal must not be over before they are there.
    disputeTerms: { appealSeconds: 180 },
  } as const;
  return withRehearsal(options, steps, async (rehearsal) => {
    const { network } = rehearsal;
    const file = await steps.run("Buying a known cheat", () => rehearsal.buyAnswer("fail"));
    const buyer = await rehearsal.as("gateway");
    await network.fund(second);
    const look = await everybody(rehearsal, buyer, {});
    const accused = accusationOf(file);
    const secret = toHex(randomBytes(32));
    await steps.run("The buyer commits to it as a salt, a test of the jurors", () =>
      buyer.disputes.commitSalt(digestOf(buyer, file), secret),
    );
    const narrator = narrate(steps);
    let more: Promise<void> | undefined;
    const state = await steps.run("It disputes the answer; two of three jurors vote pass without looking", () =>
      challenge(buyer, accused, {
        ...narrator,
        async juryDrawn(round, drawn, drawnState) {
          await narrator.juryDrawn?.(round, drawn, drawnState);
          if (round === 1) {
            more = network.addValidators(second);
            // Whoever awaits it later gets its error.
            more.catch(() => undefined);
          }
        },
        async tallied(tallied) {
          await narrator.tallied?.(tallied);
          if (tallied.round === 1) {
            await more;
            await appeal(buyer, tallied.id);
            steps.notice("appealed; two more validators have joined meanwhile");
          } else {
            await buyer.disputes.revealSalt(tallied.id, secret);
            steps.notice("the buyer shows that it was a salt");
          }
        },
      }),
    );
    const accounts = await look();
    const of = byRole(accounts);
    const lazyOnes = first.slice(0, 2).map((name) => of(`${name} (lazy)`));
    return {
      state,
      accounts,
      claims: [
        { says: "the appeal convicts", holds: state.outcome === "fail" && state.round === 2 },
        {
          says: "both lazy jurors lose stake",
          holds: lazyOnes.every(({ before, after }) => after.stake < before.stake),
        },
        {
          says: "no careful juror loses anything",
          holds: jurors(accounts).every((one) => lazyOnes.includes(one) || change(one) >= 0n),
        },
        {
          says: "the decoy provider is not slashed",
          holds: state.salt && of("accused").after.stake === of("accused").before.stake,
        },
        { says: "the buyer has both bonds back", holds: change(of("buyer")) === 0n },
        { says: "every unit is accounted for", holds: conserved(accounts) },
      ],
    };
  });
}

/** Everybody whom the stories pay or punish: the provider, the buyer, those given, the validators and the sink. */
async function everybody(
  rehearsal: Rehearsal,
  chain: Chain,
  others: Readonly<Record<string, Hex>>,
): Promise<() => Promise<readonly Account[]>> {
  const lazyNames = rehearsal.network.supervisor
    .list()
    .filter(({ info }) => info.lazy === true)
    .map(({ name }) => name);
  return snapshot(chain, [
    { role: "accused", account: await rehearsal.account("provider-1") },
    { role: "buyer", account: await rehearsal.account("gateway") },
    ...Object.entries(others).map(([role, who]) => ({ role, account: who })),
    ...(await Promise.all(
      JURORS.map(async (name) => ({
        role: lazyNames.includes(name) ? `${name} (lazy)` : name,
        account: await rehearsal.account(name),
      })),
    )),
    { role: "sink", account: await chain.stake.sink() },
  ]);
}

function narrate(steps: Steps): DisputeObserver {
  return {
    opened: (id, bond) => steps.notice(`dispute ${id} opened with a bond of ${formatUsd(bond)}`),
    juryDrawn: (round, jurors) =>
      steps.notice(`round ${round}: a jury of ${jurors.length} is drawn and has the evidence: ${jurors.join(", ")}`),
    tallied: ({ round, outcome = "nothing" }) => steps.notice(`round ${round}: the jury says ${outcome}`),
  };
}

function digestOf(chain: Chain, file: Parameters<typeof accusationOf>[0]): Hex {
  const binding = { chainId: chain.deployment.chainId, verifyingContract: chain.receipts.address };
  return toHex(receiptDigest(accusationOf(file).signed.receipt, binding));
}

function account({ account: own }: Chain): Hex {
  if (own === undefined) {
    throw new TypeError("a rehearsal's parties have accounts");
  }
  return own;
}

function byRole(accounts: readonly Account[]): (role: string) => Account {
  return (wanted) => {
    const found = accounts.find(({ role }) => role === wanted);
    if (found === undefined) {
      throw new TypeError(`nobody has the role ${wanted}`);
    }
    return found;
  };
}

function jurors(accounts: readonly Account[]): readonly Account[] {
  return accounts.filter(({ role }) => role.startsWith("validator-"));
}

function change({ before, after }: Account): bigint {
  return total(after) - total(before);
}

function conserved(accounts: readonly Account[]): boolean {
  return accounts.reduce((sum, one) => sum + change(one), 0n) === 0n;
}
