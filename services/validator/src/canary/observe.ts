import type { Chain } from "@depinfer/chain";
import { type Host, query } from "@depinfer/network";
import {
  type AuditEvent,
  type AuditFlag,
  DepinferError,
  decodeRequest,
  epochReportSchema,
  errorCode,
  type Hex,
  transcriptAnswerSchema,
} from "@depinfer/protocol";
import type { SeenRequest } from "./mix.ts";

export interface ObserveModules {
  readonly host: Host;
  readonly chain: Chain;
  /** The events that the record of audits is made of; they name the epochs. */
  readonly auditEvents: () => readonly AuditEvent[];
  readonly signal: AbortSignal;
}

/** Newest epochs that are looked at, and receipts of each: enough to learn from, little to ask for. */
const MOST_EPOCHS = 50;
const MOST_RECEIPTS = 100;

/**
 * Looks at the newest requests of one class as anybody can: receipts are public, payers are on chain, and so are the
 * bodies that buyers made public. Providers that are away are left out.
 */
export async function observe(
  { host, chain, auditEvents, signal }: ObserveModules,
  classId: Hex,
): Promise<SeenRequest[]> {
  const payers = await payersOf(chain, signal);
  const roots = auditEvents().flatMap((event) => (event.kind === "root" ? [event] : []));
  const seen: SeenRequest[] = [];
  for (const { provider, epoch } of roots.slice(-MOST_EPOCHS)) {
    const offer = host.offers.offers().find((known) => known.provider === provider);
    if (offer === undefined || signal.aborted) {
      continue;
    }
    try {
      const link = host.link(offer.peerId) ?? (await host.dial({ peerId: offer.peerId, addresses: offer.addresses }));
      const { receipts } = await query(link, { method: "epoch", epoch }, epochReportSchema);
      for (const signed of receipts.filter(({ receipt }) => receipt.classId === classId).slice(-MOST_RECEIPTS)) {
        const { requestId, channelId, startedAt } = signed.receipt;
        const shown = await show(() => query(link, { method: "transcript", requestId }, transcriptAnswerSchema));
        seen.push({ buyer: payers.get(channelId) ?? channelId, at: startedAt, ...shown });
      }
    } catch (error) {
      if (!(error instanceof DepinferError)) {
        throw error;
      }
      // The provider is away or says something else than it posted; others can be learnt from.
    }
  }
  return seen;
}

type Shown = Pick<SeenRequest, "endpoint" | "audit" | "body">;

async function show(ask: () => Promise<{ readonly request: string } | { readonly sealed: string }>): Promise<Shown> {
  const hidden = (audit: AuditFlag): Shown => ({ endpoint: "chat", audit, body: null });
  try {
    const answer = await ask();
    if ("sealed" in answer) {
      return hidden("validator");
    }
    const { terms, body } = decodeRequest(new Uint8Array(Buffer.from(answer.request, "base64")));
    const { endpoint, audit } = terms;
    return endpoint === "chat" || endpoint === "completion"
      ? { endpoint, audit, body: Buffer.from(body).toString() }
      : hidden(audit);
  } catch (error) {
    return hidden(errorCode(error) === "audit.notAllowed" ? "none" : "validator");
  }
}

/** Who pays on which channel. */
async function payersOf(chain: Chain, signal: AbortSignal): Promise<Map<Hex, Hex>> {
  const payers = new Map<Hex, Hex>();
  const head = await chain.blockNumber();
  const done = new AbortController();
  await chain.follow({
    fromBlock: BigInt(chain.deployment.block),
    contracts: ["channels"],
    signal: AbortSignal.any([done.signal, signal]),
    onLogs({ events, toBlock }) {
      for (const event of events) {
        if (event.eventName === "ChannelOpened") {
          payers.set(event.args.channelId, event.args.payer);
        }
      }
      if (toBlock >= head) {
        done.abort();
      }
    },
  });
  return payers;
}
