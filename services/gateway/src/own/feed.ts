import type { Answer, AnswerHandlers, Ask, Buyer, Taken } from "@depinfer/client";
import { errorCode, type Hex, microUsd } from "@depinfer/protocol";
import type { GatewayEventName, GatewayPulse, gatewayEvents } from "@depinfer/protocol/api";
import type { z } from "zod";
import { createPulse } from "./pulse.ts";

/** Something that happened to a request of an account. */
export type FeedEvent = {
  readonly [Name in GatewayEventName]: { readonly name: Name; readonly data: z.output<(typeof gatewayEvents)[Name]> };
}[GatewayEventName];

/** Watches what is bought: for the holders of keys what is theirs, for everybody how much there is. */
export interface Feed {
  /** The buyer, seen through the feed. What is bought past it is not counted. */
  readonly buyer: Buyer;
  /** Tells a listener what happens to an account's requests. Returns what ends it. */
  subscribe(account: string, listener: (event: FeedEvent) => void): () => void;
  pulse(): GatewayPulse;
}

type Started = Extract<FeedEvent, { name: "request.started" }>["data"];

/** A provider that was asked and is not done. */
interface UnderWay {
  readonly started: Started;
  firstTokenMs: number | null;
}

export function createFeed(buyer: Buyer, now: () => number = Date.now): Feed {
  const listeners = new Map<string, Set<(event: FeedEvent) => void>>();
  const pulse = createPulse(now);

  function tell(account: string, event: FeedEvent): void {
    for (const listener of listeners.get(account) ?? []) {
      listener(event);
    }
  }

  /** @param answer of which the request is a part, when there is one. */
  function finished(account: string, { started, firstTokenMs }: UnderWay, answer: Answer | null, fault: string | null) {
    if (!listeners.has(account)) {
      return;
    }
    const { id, model, provider } = started;
    const stored = buyer.request(id);
    const whole = answer !== null && answer.receipts.length === 1 ? answer : null;
    const usage = stored?.usage ?? whole?.usage ?? { promptTokens: 0, outputTokens: 0 };
    tell(account, {
      name: "request.finished",
      data: {
        id,
        model,
        provider,
        promptTokens: usage.promptTokens,
        outputTokens: usage.outputTokens,
        cost: stored?.cost ?? whole?.cost ?? microUsd(0),
        state: stored?.state ?? (answer === null ? "failed" : "done"),
        fault: answer === null ? fault : null,
        milliseconds: Math.max(0, now() - started.at),
        firstTokenMs,
        at: now(),
      },
    });
  }

  async function ask(request: Ask, handlers: AnswerHandlers, signal?: AbortSignal): Promise<Answer> {
    const { account } = request;
    const leave = pulse.enter();
    const underWay = new Map<Hex, UnderWay>();
    let asked = 0;
    let current: UnderWay | undefined;
    let told = 0;

    function accepted({ requestId, offer, continues }: Taken): void {
      // Whoever was asked before is done, or this one would not have been.
      for (const one of underWay.values()) {
        finished(account, one, null, "replaced");
      }
      underWay.clear();
      asked += 1;
      const kind = continues === true ? "continuation" : asked === 1 ? "first" : "retry";
      const { model, provider } = offer;
      current = { started: { id: requestId, model, provider, kind, at: now() }, firstTokenMs: null };
      underWay.set(requestId, current);
      tell(account, { name: "request.started", data: current.started });
    }

    try {
      const answer = await buyer.ask(
        request,
        {
          onAccept(taken) {
            accepted(taken);
            handlers.onAccept?.(taken);
          },
          onText(text, tokens, logprobs) {
            if (current !== undefined) {
              current.firstTokenMs ??= Math.max(0, now() - current.started.at);
            }
            const count = tokens?.length ?? 0;
            told += count;
            pulse.delivered(count);
            return handlers.onText(text, tokens, logprobs);
          },
        },
        signal,
      );
      // Servers that do not tell the ids of their tokens tell how many there were.
      pulse.delivered(Math.max(0, answer.usage.outputTokens - told));
      pulse.answered(answer.cost);
      for (const one of underWay.values()) {
        finished(account, one, answer, null);
      }
      return answer;
    } catch (error) {
      pulse.failed();
      for (const one of underWay.values()) {
        finished(account, one, null, errorCode(error) ?? "internal");
      }
      throw error;
    } finally {
      leave();
    }
  }

  return {
    buyer: { ...buyer, ask },
    pulse: pulse.view,
    subscribe(account, listener) {
      const others = listeners.get(account) ?? new Set();
      listeners.set(account, others.add(listener));
      return () => {
        others.delete(listener);
        if (others.size === 0 && listeners.get(account) === others) {
          listeners.delete(account);
        }
      };
    },
  };
}
