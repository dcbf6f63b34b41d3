import { randomBytes } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { type Chain, ChainRevertError, type DisputeState } from "@depinfer/chain";
import {
  DepinferError,
  decodeRequest,
  type Hex,
  receiptDigest,
  type SignedReceipt,
  type Transcript,
  toHex,
} from "@depinfer/protocol";
import { publicEvidence, sealedEvidence } from "./evidence.ts";

/** What a challenger has to bring. */
export interface Accusation {
  readonly signed: SignedReceipt;
  readonly transcript: Transcript;
}

/** Told what happens, in the order in which it does. */
export interface DisputeObserver {
  /** With a bond of 0 it was open before. */
  readonly opened?: (id: Hex, bond: bigint) => void | Promise<void>;
  readonly juryDrawn?: (round: number, jurors: readonly Hex[], state: DisputeState) => void | Promise<void>;
  readonly progress?: (state: DisputeState) => void;
  /** A round was tallied; the dispute is not final yet. */
  readonly tallied?: (state: DisputeState) => void | Promise<void>;
}

const POLL_MS = 500;
const UNLIMITED = 2n ** 256n - 1n;

/**
 * Opens a dispute as the chain's account, publishes the evidence to each jury, and follows it to its end. Draws,
 * resolves and finalises where nobody else does. Where a dispute about the receipt is open already, as after an
 * interruption, it is joined with the evidence instead.
 *
 * @throws DepinferError `dispute.unknownChannel`, or what the contract refuses.
 */
export async function challenge(
  chain: Chain,
  accusation: Accusation,
  observer: DisputeObserver = {},
): Promise<DisputeState> {
  const { signed, transcript } = accusation;
  const open = await openDispute(chain, signed);
  if (open !== undefined) {
    await observer.opened?.(open, 0n);
    return followDispute(chain, open, { transcript, observer });
  }
  const { channelId } = signed.receipt;
  const config = await chain.channels.configOf(channelId);
  if (config === undefined) {
    throw new DepinferError({
      code: "dispute.unknownChannel",
      message: `No channel ${channelId} was ever opened here, so nobody paid for the answer`,
      remedy: "Check that the receipt belongs to this network",
      metadata: { channelId },
    });
  }
  const bond = await chain.disputes.bond();
  await approve(chain, bond);
  const { id } = await chain.disputes.open({ ...signed, config });
  await observer.opened?.(id, bond);
  return followDispute(chain, id, { transcript, observer });
}

/** The dispute about a receipt that is under way, if there is one. */
async function openDispute(chain: Chain, { receipt }: SignedReceipt): Promise<Hex | undefined> {
  const binding = { chainId: chain.deployment.chainId, verifyingContract: chain.receipts.address };
  const id = await chain.disputes.ofReceipt(toHex(receiptDigest(receipt, binding)));
  const state = id === undefined ? undefined : await chain.disputes.state(id);
  return state === undefined || state.phase === "closed" ? undefined : state.id;
}

/** Appeals as the chain's account. */
export async function appeal(chain: Chain, id: Hex): Promise<void> {
  await approve(chain, await chain.disputes.appealBond());
  await chain.disputes.appeal(id);
}

/** Lets the disputes contract take a bond. */
async function approve(chain: Chain, amount: bigint): Promise<void> {
  const owner = chain.account;
  if (owner === undefined || (await chain.usd.allowance(owner, chain.disputes.address)) < amount) {
    await chain.usd.approve(chain.disputes.address, UNLIMITED);
  }
}

/** Until it is closed. Every round's jury gets the transcript, once it is drawn. */
async function followDispute(
  chain: Chain,
  id: Hex,
  { transcript, observer }: { readonly transcript: Transcript; readonly observer: DisputeObserver },
): Promise<DisputeState> {
  const { disputes } = chain;
  let shownTo = 0;
  let talliedRound = 0;
  for (;;) {
    const state = await disputes.state(id);
    if (state === undefined) {
      throw new DepinferError({
        code: "dispute.lost",
        message: `The chain no longer knows the dispute ${id}`,
        remedy: "A reorganisation took it away; open it again",
        metadata: { id },
      });
    }
    observer.progress?.(state);
    switch (state.phase) {
      case "drawing":
        if ((await chain.blockNumber()) > state.targetBlock) {
          await unlessDone(disputes.drawJury(id));
        }
        break;
      case "voting": {
        const jurors = await disputes.jury(id, state.round);
        if (shownTo < state.round) {
          shownTo = state.round;
          await show(chain, state, transcript, jurors);
          await observer.juryDrawn?.(state.round, jurors, state);
        }
        if (state.reveals === jurors.length || (await chain.blockTime()) >= state.revealDeadline) {
          await unlessDone(disputes.resolve(id));
        }
        break;
      }
      case "tallied":
        if (talliedRound < state.round) {
          talliedRound = state.round;
          await observer.tallied?.(state);
        }
        if ((await chain.blockTime()) >= state.finalAt) {
          await unlessDone(disputes.finalise(id));
        }
        break;
      case "closed":
        return state;
    }
    await setTimeout(POLL_MS);
  }
}

/** Publishes the transcript to a round's jury, unless this account did so before it was interrupted, or it is too late. */
async function show(chain: Chain, state: DisputeState, transcript: Transcript, jurors: readonly Hex[]): Promise<void> {
  const { id, round } = state;
  const shown = (await chain.disputes.evidence(id)).some((one) => one.round === round && one.from === chain.account);
  if (!shown && (await chain.blockTime()) < state.commitDeadline) {
    await chain.disputes.submitEvidence(id, await evidenceFor(chain, id, transcript, jurors));
  }
}

/** In the clear where the request said that anybody may see it, else sealed for the jurors. */
async function evidenceFor(chain: Chain, id: Hex, transcript: Transcript, jurors: readonly Hex[]): Promise<Hex> {
  const { terms } = decodeRequest(new Uint8Array(Buffer.from(transcript.request, "base64")));
  if (terms.audit === "public") {
    return publicEvidence(transcript);
  }
  const members = await chain.validators.list();
  const readers = members.flatMap(({ validator, sealingKey }) => (jurors.includes(validator) ? [sealingKey] : []));
  return sealedEvidence(transcript, { id, readers, randomBytes });
}

/** Others may have done it already, and the contract refuses what comes second. */
async function unlessDone(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!(error instanceof ChainRevertError)) {
      throw error;
    }
  }
}
