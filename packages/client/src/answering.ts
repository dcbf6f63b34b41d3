import { DepinferError, errorMessage, type Hex, type Log, type Offer } from "@depinfer/protocol";
import type { Ask } from "./ask.ts";
import type { Begun } from "./begun.ts";
import type { Answer, AnswerHandlers } from "./buyer.ts";
import type { Health } from "./health.ts";
import { hedge } from "./hedge.ts";
import { createOneText, type OneText } from "./one-text.ts";
import { outputLimit, type Purchase, type Purchases } from "./purchase.ts";
import { notSettled, unsupported } from "./purchase-errors.ts";
import { type Decision, type Policy, route, serves } from "./route.ts";
import type { AttemptKind, StoryBook, StoryInProgress } from "./story.ts";

export interface AnsweringModules {
  /** On the market now. */
  readonly offers: () => readonly Offer[];
  readonly purchases: Purchases;
  readonly health: Health;
  readonly stories: StoryBook;
  readonly log: Log;
  readonly random: () => number;
  readonly attestationFault?: (offer: Offer) => string | undefined;
  /** Told of every provider that was asked, once it is done. */
  readonly onAttempt?: (attempt: FinishedAttempt) => void;
}

/** One provider that was asked, for metrics and traces. */
export interface FinishedAttempt {
  readonly requestId: Hex;
  readonly kind: AttemptKind;
  readonly provider: Hex;
  readonly model: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** What went wrong, or null. */
  readonly error: DepinferError | null;
}

export interface AnsweringOptions {
  /** Providers that are asked before a request fails, and again as many to go on with a broken answer. */
  readonly attempts: number;
  readonly acceptMs: number;
  readonly silenceMs: number;
  /** Milliseconds that a request waits for a slot when all are at work. */
  readonly queueMs: number;
}

/** When a provider whose slots were all at work for others is asked again. */
const BUSY_MS = 100;

/** Answers one request, by as many providers as it takes within bounds. See `Buyer.ask`. */
export type Answering = (ask: Ask, handlers: AnswerHandlers, signal?: AbortSignal) => Promise<Answer>;

interface Choice {
  readonly offer: Offer;
  readonly decision: Decision;
}

export function createAnswering(modules: AnsweringModules, options: AnsweringOptions): Answering {
  const { purchases, health, stories, log, random, attestationFault } = modules;

  function choose(ask: Ask, tried: ReadonlyMap<string, string>, begun: Begun | null): Choice {
    const offers = modules.offers();
    const pays = ask.pass?.unitsPerMillion;
    const policy = begun === null ? ask.policy : continuing(ask.policy, begun);
    const decide = (excluded: (peerId: string) => string | undefined) =>
      route(offers, policy, {
        inFlight: health.inFlight,
        usableSlots: ({ peerId, slots }) => health.usableSlots(peerId, slots),
        latencyMs: health.latencyMs,
        excluded,
        unaffordable: (offer) =>
          pays === undefined || pays >= offer.prices.inputPerMillion
            ? undefined
            : `asks ${offer.prices.inputPerMillion} units per million tokens of input, the pass pays ${pays}`,
        random,
        ...(attestationFault === undefined ? {} : { attestationFault }),
      });
    const strict = decide((peerId) => tried.get(peerId) ?? health.excluded(peerId));
    // A provider that failed a moment ago is still better than none.
    const decision = strict.chosen === undefined ? decide((peerId) => tried.get(peerId)) : strict;
    if (decision.chosen !== undefined) {
      return { offer: decision.chosen, decision };
    }
    throw noProvider(ask.policy, offers, decision);
  }

  return async (ask, handlers, signal) => {
    const tried = new Map<string, string>();
    const repaired = new Set<string>();
    const story = stories.begin(ask.policy);
    const text = createOneText(handlers.onText);
    let begun: Begun | null = null;
    let left = options.attempts;
    const queuedUntil = performance.now() + options.queueMs;
    /** Providers that refused because all their slots are at work, for other buyers. */
    const busy = new Set<string>();
    /** Why the last provider did not answer, where that tells more than that nobody is left to ask. */
    let reason: DepinferError | null = null;
    for (;;) {
      const choice: Choice | DepinferError = attemptTo(() => choose(ask, tried, begun));
      const patience = signal?.aborted ? 0 : queuedUntil - performance.now();
      if (choice instanceof DepinferError) {
        if (busy.size === 0 || patience <= 0) {
          throw reason ?? choice;
        }
        await health.freed(Math.min(BUSY_MS, patience));
        for (const peerId of busy) {
          tried.delete(peerId);
        }
        busy.clear();
        continue;
      }
      if (!choice.decision.idle && patience > 0) {
        await health.freed(patience);
        continue;
      }
      const { offer } = choice;
      const purchase = await buy(ask, choice, { handlers, text, begun, story, tried, signal });
      if (purchase.error === null) {
        return purchase.answer;
      }
      const { error } = purchase;
      // A refusal about payment was looked into; the same provider may serve now.
      const aboutPayment = error.code.startsWith("payment.");
      if (error.code === "provider.busy" && patience > 0) {
        tried.set(offer.peerId, "has all its slots at work");
        busy.add(offer.peerId);
        reason = error;
        continue;
      }
      if (aboutPayment && !repaired.has(offer.peerId)) {
        repaired.add(offer.peerId);
      } else {
        tried.set(offer.peerId, `failed for this request: ${error.message}`);
      }
      const final = aboutPayment ? notSettled(offer, error) : error;
      const goesOn = text.begun || (purchase.begun?.tokens.length ?? 0) > 0;
      if (goesOn && begun === null) {
        left = options.attempts;
      } else {
        left -= 1;
      }
      begun = goesOn ? purchase.begun : null;
      // The rest of a pass may lie in its channels with others.
      const elsewhere = error.code === "pass.insufficient";
      if (!(error.retryable || elsewhere) || left < 1 || signal?.aborted || (goesOn && begun === null)) {
        // What the receipt says wrong, or that the app hung up, is no break-off.
        const half = goesOn && begun === null && error.retryable && !error.code.startsWith("receipt.");
        throw half ? brokeOff(offer, final) : final;
      }
      const whole = begun === null ? null : wholeAlready(begun, ask, offer);
      if (whole !== null) {
        return whole;
      }
      reason = aboutPayment || elsewhere ? final : begun === null ? null : brokeOff(offer, final);
      log("warn", `provider ${offer.provider} failed, asking another: ${errorMessage(error)}`, { code: error.code });
    }
  };

  interface Under {
    readonly handlers: AnswerHandlers;
    readonly text: OneText;
    readonly begun: Begun | null;
    readonly story: StoryInProgress;
    readonly tried: ReadonlyMap<string, string>;
    readonly signal: AbortSignal | undefined;
  }

  /** Buys from the chosen provider, with a second one at hand where the policy pays for it. */
  function buy(ask: Ask, choice: Choice, under: Under): Promise<Purchase> {
    const { handlers, text, begun, story, tried, signal } = under;
    const told = { ...handlers, onText: text.from(begun) };
    const one = (from: Choice, kind: AttemptKind, to: AnswerHandlers, until: AbortSignal | undefined) =>
      buyFrom(ask, from, kind, { story, begun, handlers: to, tried, signal: until });
    const kind = begun !== null ? "continuation" : story.length === 0 ? "first" : "retry";
    if (ask.policy.hedge !== true || begun !== null) {
      return one(choice, kind, told, signal);
    }
    return hedge({
      handlers: told,
      afterMs: health.hedgeAfterMs(choice.offer.peerId),
      signal,
      first: (to, until) => one(choice, kind, to, until),
      second() {
        const others = new Map([...tried, [choice.offer.peerId, "is being asked already"]]);
        const other = attemptTo(() => choose(ask, others, null));
        return other instanceof DepinferError ? null : (to, until) => one(other, "hedge", to, until);
      },
    });
  }

  async function buyFrom(
    ask: Ask,
    { offer, decision }: Choice,
    kind: AttemptKind,
    { story, begun, handlers, tried, signal }: Omit<Under, "text">,
  ): Promise<Purchase> {
    const { provider, peerId } = offer;
    const note = story.attempt({ kind, provider, peerId, rejected: decision.rejected });
    // Patience grows with each attempt, in case it is this machine that is slow, and with nobody else to ask it is long: an
    // overloaded provider is better than none.
    const alone = !modules
      .offers()
      .some((other) => serves(other, ask.policy.model) && other.peerId !== peerId && !tried.has(other.peerId));
    const acceptMs = alone ? options.silenceMs : options.acceptMs * 2 ** tried.size;
    const told: AnswerHandlers = {
      ...handlers,
      onAccept(taken) {
        note({ requestId: taken.requestId });
        handlers.onAccept?.(taken);
      },
    };
    const startedAt = Date.now();
    const purchase = await purchases.buy({ ask, offer, handlers: told, acceptMs, signal, begun });
    const { requestId, error } = purchase;
    modules.onAttempt?.({ requestId, kind, provider, model: offer.model, startedAt, endedAt: Date.now(), error });
    note({ requestId, outcome: error === null ? "answered" : error.message });
    return purchase;
  }
}

function continuing(policy: Ask["policy"], { classId }: Begun): Ask["policy"] {
  return { ...policy, classId, features: [...(policy.features ?? []), "continuation"] };
}

/** The answer, when all that it may have is there and only its end was not told. */
function wholeAlready(begun: Begun, ask: Ask, offer: Offer): Answer | null {
  const [requestId] = begun.receipts;
  return requestId === undefined || begun.tokens.length < outputLimit(ask, offer)
    ? null
    : { requestId, receipts: begun.receipts, offer, stopReason: "length", usage: begun.usage, cost: begun.cost };
}

function attemptTo<Result>(work: () => Result): Result | DepinferError {
  try {
    return work();
  } catch (error) {
    if (error instanceof DepinferError) {
      return error;
    }
    throw error;
  }
}

/** After its first text an answer is gone on with by another provider of its class, and by nobody else. */
function brokeOff({ provider, classId }: Offer, cause: DepinferError): DepinferError {
  return new DepinferError({
    code: "answer.brokeOff",
    message: `Provider ${provider} broke off in the middle of the answer, and nobody else can go on with it exactly: ${cause.message}`,
    remedy: "Ask again; only what was delivered and signed for is paid",
    retryable: true,
    metadata: { provider, classId, reason: cause.code },
    cause,
  });
}

function noProvider({ model, features = [] }: Policy, offers: readonly Offer[], decision: Decision): DepinferError {
  const models = [...new Set(offers.map((offer) => offer.model))];
  if (models.length === 0) {
    return new DepinferError({
      code: "route.noProvider",
      message: "No provider is online yet",
      remedy: "Try again in a moment; `depinfer providers` shows who is there",
      metadata: { model },
      retryable: true,
    });
  }
  if (!offers.some((offer) => serves(offer, model))) {
    return new DepinferError({
      code: "route.unknownModel",
      message: `No provider serves the model ${JSON.stringify(model)}`,
      remedy: `Ask for one of: ${models.join(", ")}`,
      metadata: { model, param: "model" },
    });
  }
  const serving = offers.filter((offer) => serves(offer, model));
  const nobody = features.find((feature) => !serving.some((offer) => offer.features?.includes(feature)));
  if (nobody !== undefined && nobody !== "continuation") {
    return unsupported(model, nobody);
  }
  const reasons = decision.rejected.filter(({ reason }) => !reason.startsWith("serves "));
  return new DepinferError({
    code: "route.noProvider",
    message: `No provider of ${JSON.stringify(model)} can take the request: ${reasons.map(({ provider, reason }) => `${provider} ${reason}`).join("; ")}`,
    remedy: "Try again in a moment, or loosen the request's policy",
    metadata: { model },
    retryable: true,
  });
}
