import type { AnswerHandlers } from "./buyer.ts";
import type { Purchase } from "./settlement.ts";

type Contestant = (handlers: AnswerHandlers, signal: AbortSignal) => Promise<Purchase>;

export interface Hedge {
  readonly handlers: AnswerHandlers;
  /** Milliseconds without a token after which a second provider is asked. */
  readonly afterMs: number;
  readonly signal: AbortSignal | undefined;
  readonly first: Contestant;
  /** Who is asked next, or null when nobody is there. */
  readonly second: () => Contestant | null;
}

/**
 * Asks a second provider when the first one takes long to its first token; whoever delivers first is heard, and the other
 * one is cancelled, which costs what it had delivered by then (Dean and Barroso, "The Tail at Scale", 2013).
 */
export async function hedge({ handlers, afterMs, signal, first, second }: Hedge): Promise<Purchase> {
  let winner: number | null = null;
  const aborts: AbortController[] = [];
  const running = new Map<number, Promise<readonly [number, Purchase]>>();
  let hurry: () => void = () => undefined;

  function win(index: number): void {
    winner = index;
    for (const [other, abort] of aborts.entries()) {
      if (other !== index) {
        abort.abort();
      }
    }
  }

  function enter(contestant: Contestant): void {
    const index = aborts.length;
    const abort = new AbortController();
    aborts.push(abort);
    let taken: Parameters<NonNullable<AnswerHandlers["onAccept"]>>[0] | undefined;
    const take = (): void => {
      win(index);
      if (taken !== undefined) {
        handlers.onAccept?.(taken);
      }
    };
    const gated: AnswerHandlers = {
      onAccept(accepted) {
        taken = accepted;
      },
      onText(...piece) {
        if (winner === null) {
          take();
        }
        return winner === index ? handlers.onText(...piece) : undefined;
      },
    };
    const until = signal === undefined ? abort.signal : AbortSignal.any([signal, abort.signal]);
    running.set(
      index,
      contestant(gated, until).then((purchase) => {
        if (winner === null && purchase.error === null) {
          take();
        }
        return [index, purchase];
      }),
    );
  }

  const late = new Promise<null>((resolve) => {
    hurry = () => resolve(null);
  });
  const timer = setTimeout(hurry, afterMs);
  try {
    enter(first);
    const early = await Promise.race([...running.values(), late]);
    if (early !== null) {
      return early[1];
    }
    const other = winner === null ? second() : null;
    if (other !== null) {
      enter(other);
    }
    for (;;) {
      const [index, purchase] = await Promise.race(running.values());
      running.delete(index);
      if (winner === index || running.size === 0) {
        return purchase;
      }
    }
  } finally {
    clearTimeout(timer);
  }
}
