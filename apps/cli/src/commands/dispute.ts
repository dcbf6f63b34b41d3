import { createChain, type DisputeState } from "@depinfer/chain";
import { formatUsd } from "@depinfer/protocol";
import { challenge } from "@depinfer/validator";
import { accusationOf } from "../dispute/accusation.ts";
import { snapshot } from "../dispute/holdings.ts";
import { accountsToJson, printAccounts } from "../dispute/show.ts";
import type { Access } from "../gateway-client.ts";
import { openIdentity, readPassphrase } from "../identity.ts";
import { readNetworkFile } from "../network-file.ts";
import { loadReceipt } from "../receipt-reference.ts";
import { printTable } from "../table.ts";

export interface DisputeCommandOptions {
  /** Of the gateway that bought the answer; only asked for a receipt's id. */
  readonly access: () => Access;
  readonly networkFile: string;
  /** Folder of the keystore whose wallet pays the bond. */
  readonly wallet: string;
  readonly passphraseFile: string;
  readonly json: boolean;
}

/**
 * `depinfer dispute RECEIPT`: has an answer judged by a jury and follows it to its end. RECEIPT is an id from
 * `x-depinfer-receipt`, or a file with what the gateway answers at `/v1/receipts/ID`, which anybody may hold. Exit code
 * 0 if the provider was convicted, 1 if it was cleared, 2 without a verdict.
 */
export async function disputeCommand(reference: string, options: DisputeCommandOptions): Promise<number> {
  const accusation = accusationOf(await loadReceipt(reference, options.access));
  const { wallet } = await openIdentity(options.wallet, readPassphrase(options.passphraseFile));
  const chain = createChain({ ...readNetworkFile(options.networkFile), account: wallet });
  const { receipt } = accusation.signed;
  const config = await chain.channels.configOf(receipt.channelId);
  const parties = [
    { role: "challenger", account: wallet.address },
    { role: "accused", account: receipt.provider },
    ...(config === undefined || config.payer === wallet.address ? [] : [{ role: "buyer", account: config.payer }]),
    { role: "sink", account: await chain.stake.sink() },
  ];
  const look = await snapshot(chain, parties);
  const lookAtJurors: Awaited<ReturnType<typeof snapshot>>[] = [];
  const seen = new Set<string>(parties.map(({ account }) => account));
  const say = (text: string) => console.error(`  ${text}`);
  const state = await challenge(chain, accusation, {
    opened(id, bond) {
      say(`dispute     ${id}`);
      say(
        bond === 0n
          ? "it was open already; the evidence is added to it"
          : `bond        ${formatUsd(bond)}, back unless the answer is found to be honest`,
      );
    },
    async juryDrawn(round, jurors, drawn) {
      say(`round ${round}     a jury of ${jurors.length} has the evidence: ${jurors.join(", ")}`);
      say(`deadlines   commitments ${clock(drawn.commitDeadline)}, reveals ${clock(drawn.revealDeadline)}`);
      const fresh = jurors.filter((juror) => !seen.has(juror));
      for (const juror of fresh) {
        seen.add(juror);
      }
      lookAtJurors.push(
        await snapshot(
          chain,
          fresh.map((account) => ({ role: "juror", account })),
        ),
      );
    },
    progress: progressLine(say),
    tallied: ({ outcome = "nothing", round, finalAt }) =>
      say(`round ${round}     the jury says ${outcome}${round === 1 ? `; appeals until ${clock(finalAt)}` : ""}`),
  });
  const accounts = (await Promise.all([look, ...lookAtJurors].map((again) => again()))).flat();
  if (options.json) {
    console.log(
      JSON.stringify({ id: state.id, outcome: state.outcome, round: state.round, accounts: accountsToJson(accounts) }),
    );
  } else {
    console.log(`\n${(state.outcome ?? "no outcome").toUpperCase()}  dispute ${state.id}\n`);
    printAccounts(accounts);
  }
  return state.outcome === "fail" ? 0 : state.outcome === "pass" ? 1 : 2;
}

/** `depinfer disputes`: all of them, the newest first. */
export async function disputesCommand(networkFile: string, json: boolean): Promise<void> {
  const chain = createChain(readNetworkFile(networkFile));
  const ids = (await chain.disputes.events()).flatMap((event) =>
    event.eventName === "DisputeOpened" || event.eventName === "RecordDisputeOpened" ? [event.args.id] : [],
  );
  const states = (await Promise.all(ids.map((id) => chain.disputes.state(id)))).flatMap((state) => state ?? []);
  const rows = states.toReversed().map(row);
  if (json) {
    console.log(JSON.stringify({ disputes: rows }));
  } else if (rows.length === 0) {
    console.log("There were no disputes.");
  } else {
    printTable(rows);
  }
}

function row({ id, accused, challenger, phase, round, outcome, receiptDigest, salt }: DisputeState) {
  return {
    dispute: id,
    about: receiptDigest === undefined ? "record" : "receipt",
    accused,
    challenger,
    phase,
    round,
    outcome: `${outcome ?? ""}${salt ? " (salt)" : ""}`,
  };
}

/** Says how many have voted, whenever that changes. */
function progressLine(say: (text: string) => void): (state: DisputeState) => void {
  let last = "";
  return ({ phase, round, commits, reveals }) => {
    const line = `round ${round}     ${commits} committed, ${reveals} revealed`;
    if (phase === "voting" && line !== last && commits > 0) {
      say(line);
      last = line;
    }
  };
}

function clock(unixSecond: number): string {
  return new Date(unixSecond * 1000).toISOString();
}
