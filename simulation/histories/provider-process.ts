import { recoverAddress } from "@depinfer/chain";
import { errorCode, type Hex, microUsd, type SignedReceipt } from "@depinfer/protocol";
import { type ClosingClaims, createClosingClaims } from "../../services/node/src/closing-claims.ts";
import { settle } from "../../services/node/src/epochs.ts";
import { createLedger, type Ledger } from "../../services/node/src/ledger.ts";
import { createPayments, type Payments } from "../../services/node/src/payments.ts";
import { createVoucherInbox } from "../../services/node/src/voucher-inbox.ts";
import type { Disk } from "./disk.ts";
import { BINDING, chainFor, TOKEN } from "./model-chain.ts";
import type { Wire, WireRequest } from "./wire.ts";
import { accountOf, type Life, type World } from "./world.ts";

export const PROVIDER = accountOf(0x9d);
export const CREDIT_WINDOW = 700n;
export const MARGIN = 20n;

/** What the provider of a history did, counted outside of the process and of its journal. */
export interface ProviderTruth {
  /** Receipts that left the process. */
  readonly announced: Set<Hex>;
  readonly faults: string[];
}

export interface ProviderProcess {
  readonly life: Life;
  readonly ledger: Ledger;
  readonly payments: Payments;
  readonly closing: ClosingClaims;
  /** Takes requests and vouchers from a link. */
  listen(wire: Wire): void;
  /** Reads every channel again, as after events. */
  watch(): Promise<void>;
  settle(): Promise<void>;
}

/** @param charge what the receipt says for an answer that cost this; honest ones say the same. */
export function startProvider(
  world: World,
  disk: Disk,
  life: Life,
  truth: ProviderTruth,
  charge: (cost: bigint) => bigint,
): ProviderProcess {
  const journal = disk.open(life);
  const ledger = createLedger(journal);
  const chain = chainFor(world, life, PROVIDER);
  const log = () => undefined;
  const closing = createClosingClaims({ chain, ledger, log }, { firstPauseMs: 0 });
  const payments = createPayments(
    { chain, ledger, recoverAddress, now: world.now, onClosing: (id) => life.alive && closing.claim(id) },
    {
      provider: PROVIDER,
      token: TOKEN,
      binding: BINDING,
      creditWindow: microUsd(CREDIT_WINDOW),
      margin: microUsd(MARGIN),
    },
  );
  const inbox = createVoucherInbox({ payments, log });
  const underWay = new Set<Hex>();
  for (const id of truth.announced) {
    if (!ledger.hasAnswer(id)) {
      truth.faults.push(`the receipt of ${id} left the provider, whose journal lacks it after a crash`);
    }
  }

  async function serve(wire: Wire, request: WireRequest): Promise<void> {
    const { requestId, channelId, cost, most, end } = request;
    if (ledger.hasAnswer(requestId) || underWay.has(requestId)) {
      wire.reply({ kind: "error", requestId, code: "request.duplicate" });
      return;
    }
    underWay.add(requestId);
    let release: () => void = () => undefined;
    try {
      await inbox.settled(wire);
      release = await payments.reserve(channelId, microUsd(most));
      checkReserve(channelId);
      // The answer itself takes time, in which anything else may happen.
      await world.gate(life, () => undefined);
      if (end === "fail") {
        wire.reply({ kind: "error", requestId, code: "provider.internal" });
        return;
      }
      const trust = end === "cancel" ? payments.trust(channelId) : 0n;
      const forgiven = trust < cost / 2n ? trust : cost / 2n;
      const charged = charge(cost - forgiven);
      await ledger.saveAnswer({
        signed: receiptFor(requestId, channelId, charged),
        peerId: "peer",
        audit: "none",
        request: new Uint8Array(1),
        providerNonce: requestId,
        tokens: [],
        text: "",
        forgiven,
      });
      truth.announced.add(requestId);
      wire.reply({ kind: "receipt", requestId, cost: charged });
    } finally {
      underWay.delete(requestId);
      release();
    }
  }

  /** Nothing is served that the escrow, as it was confirmed, does not cover. */
  function checkReserve(channelId: Hex): void {
    const channel = ledger.channel(channelId);
    const owed = channel?.owed ?? 0n;
    if (owed - (channel?.vouchered ?? 0n) > CREDIT_WINDOW) {
      truth.faults.push(`a request was served with ${owed} owed and ${channel?.vouchered} vouchered`);
    }
    if (owed > payments.deposit(channelId)) {
      truth.faults.push(`a request was served with ${owed} owed on a deposit of ${payments.deposit(channelId)}`);
    }
  }

  return {
    life,
    ledger,
    payments,
    closing,
    listen(wire) {
      inbox.listen(wire);
      wire.onRequest((request) => {
        if (life.alive) {
          serve(wire, request).catch((error: unknown) =>
            wire.reply({ kind: "error", requestId: request.requestId, code: errorCode(error) }),
          );
        }
      });
    },
    async watch() {
      for (const { id } of ledger.channels()) {
        await payments.refresh(id);
      }
      payments.confirmed();
    },
    async settle() {
      await settle({ chain, ledger }, PROVIDER, BINDING);
    },
  };
}

const WORD: Hex = `0x${"00".repeat(32)}`;

/** A receipt as far as money goes; its signature is nobody's business here. */
export function receiptFor(requestId: Hex, channelId: Hex, cost: bigint): SignedReceipt {
  return {
    receipt: {
      requestId,
      requestHash: WORD,
      classId: WORD,
      promptHash: WORD,
      transcriptRoot: WORD,
      textHash: WORD,
      seedCommitment: WORD,
      channelId,
      provider: PROVIDER,
      promptTokens: 0,
      cachedTokens: 0,
      outputTokens: 0,
      stopReason: "end",
      proofLevel: "none",
      cost: microUsd(cost),
      startedAt: 0,
      finishedAt: 0,
    },
    signature: "0x00",
  };
}
