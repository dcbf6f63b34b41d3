import { DepinferError, encodeRequest, encodeResumed, type Offer, type RequestTerms } from "@depinfer/protocol";
import type { Ask } from "./ask.ts";
import { attempt, type Delivered, random32 } from "./attempt.ts";
import type { Begun } from "./begun.ts";
import type { AnswerHandlers } from "./buyer.ts";
import type { BuyerChannels } from "./channels.ts";
import type { Health } from "./health.ts";
import { lateReceipt } from "./late-receipt.ts";
import type { Peers } from "./peers.ts";
import { flatPrices, mostCost, mostPromptTokens } from "./price-limit.ts";
import { asError } from "./purchase-errors.ts";
import { type Bought, createSettlement, type Purchase, type SettlementModules } from "./settlement.ts";
import type { VoucherSender } from "./voucher-sender.ts";

export type { Purchase } from "./settlement.ts";

export interface PurchaseModules extends SettlementModules {
  readonly channels: BuyerChannels;
  readonly peers: Peers;
  readonly vouchers: VoucherSender;
  readonly health: Health;
}

export interface BuyOptions {
  readonly ask: Ask;
  readonly offer: Offer;
  readonly handlers: AnswerHandlers;
  /** How long the provider may take to accept. */
  readonly acceptMs: number;
  readonly signal?: AbortSignal | undefined;
  /** The answer to go on with; null for a new one. */
  readonly begun: Begun | null;
}

export interface Purchases {
  /** Never rejects: what was delivered until then may have to be paid. */
  buy(options: BuyOptions): Promise<Purchase>;
}

/** Output limit when the app names none, in tokens. */
const DEFAULT_MAX_TOKENS = 512;

/** Tokens that an answer may have in all. */
export function outputLimit({ maxTokens }: Pick<Ask, "maxTokens">, { contextLength }: Pick<Offer, "contextLength">) {
  return Math.min(maxTokens ?? DEFAULT_MAX_TOKENS, contextLength);
}

/** Buys one answer, or the rest of one, from one provider: reserve, journal, ask, check, pay. */
export function createPurchases(modules: PurchaseModules, { silenceMs }: { readonly silenceMs: number }): Purchases {
  const { ledger, channels, peers, health, vouchers, underWay } = modules;
  const settle = createSettlement(modules);

  return {
    async buy({ ask, offer, handlers, acceptMs, signal, begun }) {
      const requestId = random32();
      const leave = health.enter(offer.peerId);
      let textDelivered = false;
      const told: AnswerHandlers = {
        ...handlers,
        onText(...piece) {
          textDelivered = true;
          return handlers.onText(...piece);
        },
      };
      try {
        const link = await peers.link(offer);
        const done = begun?.tokens ?? [];
        const maxOutputTokens = outputLimit(ask, offer) - done.length;
        const pass = ask.pass ?? null;
        const prices = pass === null ? offer.prices : flatPrices(pass.unitsPerMillion);
        const reserved = mostCost(ask.body, maxOutputTokens, { prices }, done.length);
        const { channel, release } = await channels.reserve(offer.provider, reserved, pass);
        try {
          const terms: RequestTerms = {
            v: 1,
            requestId,
            endpoint: ask.endpoint,
            classId: offer.classId,
            channelId: channel.id,
            buyerNonce: random32(),
            maxOutputTokens,
            prices,
            audit: ask.audit,
            ...(ask.choice === undefined ? {} : { choice: ask.choice }),
            ...(begun === null ? {} : { resume: { ...begun.seed, tokens: encodeResumed(done) } }),
          };
          const payload = encodeRequest({ terms, body: ask.body });
          await begin({ ask, offer, terms, payload, reserved });
          vouchers.beforeRequest(link, channel);
          const late = lateReceipt(link, requestId);
          const sent = { ask, offer, terms, payload, link, reserved, before: begun };
          const delivered = await deliver(sent, told, acceptMs, signal);
          const signed =
            delivered.signed ?? (delivered.cancelled && delivered.error === null ? await late.wait() : null);
          late.stop();
          const purchase = await settle({ ...delivered, signed }, sent);
          if (delivered.error?.code.startsWith("payment.") === true) {
            // Our view of the channel is not the provider's: look at the chain, and show the voucher again.
            vouchers.refused(link, channel.id);
            await channels.recheck(channel.id);
          }
          return purchase;
        } finally {
          release();
        }
      } catch (cause) {
        const error = asError(cause);
        // A chain that is away is nobody's fault.
        if (error.retryable && !error.code.startsWith("chain.")) {
          health.failed(offer.peerId, error.message);
        }
        return { requestId, error, textDelivered, begun };
      } finally {
        underWay.delete(requestId);
        leave();
      }
    },
  };

  /** On disk before it is sent. */
  function begin({ ask, offer, terms, payload, reserved }: Omit<Bought, "link" | "before">): Promise<void> {
    const { requestId: id, channelId } = terms;
    const { provider, peerId, model } = offer;
    const { account } = ask;
    underWay.add(id);
    ask.onBegun?.(id);
    return ledger.start(
      {
        id,
        channelId,
        provider,
        peerId,
        model,
        account,
        reserved,
        startedAt: Date.now(),
        request: payload,
        pass: ask.pass?.id ?? null,
      },
      ask.budget ?? null,
    );
  }

  async function deliver(
    { ask, offer, terms, payload, link, before }: Bought,
    handlers: AnswerHandlers,
    acceptMs: number,
    signal?: AbortSignal,
  ): Promise<Delivered> {
    const nonce = peers.expectNonce(link);
    const sentAt = performance.now();
    const mostTokens = mostPromptTokens(ask.body) + (before?.tokens.length ?? 0);
    let waiting = true;
    const delivered = await attempt(
      link,
      payload,
      {
        onAccept(accept) {
          nonce.check(accept.providerNonce);
          if (accept.promptTokens > mostTokens) {
            throw new DepinferError({
              code: "provider.inflatedPrompt",
              message: `The provider counts ${accept.promptTokens} prompt tokens in a body of ${ask.body.length} bytes`,
              remedy: "Ask another provider",
              retryable: true,
            });
          }
          handlers.onAccept?.({ requestId: terms.requestId, offer, accept, continues: before !== null });
        },
        onText(text, tokens, logprobs) {
          if (waiting) {
            waiting = false;
            health.firstToken(offer.peerId, performance.now() - sentAt);
          }
          return text === "" && logprobs === undefined ? undefined : handlers.onText(text, tokens, logprobs);
        },
      },
      { acceptMs, silenceMs, maxTokens: terms.maxOutputTokens, ...(signal === undefined ? {} : { signal }) },
    );
    if (delivered.refused && delivered.accept === null) {
      nonce.refused();
    }
    return delivered;
  }
}
