/**
 * What was sent to the buyer, piece by piece, so that a stream cut short is charged for exactly what arrived.
 */
export interface Delivery {
  readonly tokens: readonly number[];
  add(tokens: readonly number[], text: string): void;
  /** Tokens and text of the first pieces that together have at most `count` tokens. */
  first(count: number): { readonly tokens: readonly number[]; readonly text: string };
  /** Everything that was sent. */
  all(): { readonly tokens: readonly number[]; readonly text: string };
}

export function createDelivery(): Delivery {
  const tokens: number[] = [];
  const pieces: { readonly end: number; readonly text: string }[] = [];
  return {
    tokens,
    add(more, text) {
      tokens.push(...more);
      pieces.push({ end: tokens.length, text });
    },
    first(count) {
      const arrived = pieces.filter(({ end }) => end <= count);
      return { tokens: tokens.slice(0, arrived.at(-1)?.end ?? 0), text: arrived.map(({ text }) => text).join("") };
    },
    all: () => ({ tokens: [...tokens], text: pieces.map(({ text }) => text).join("") }),
  };
}

/**
 * Tokens that may be under way when a buyer cancels. It says in CANCEL how many it received; it is believed about this
 * many, so that a buyer cannot read everything and claim to have received nothing.
 */
const MOST_IN_FLIGHT = 256;

/** How many tokens a buyer that cancelled pays for. `reason` is the text of its CANCEL frame. */
export function deliveredAtCancel(sent: number, reason: string): number {
  const received = /^received:(\d{1,9})$/.exec(reason)?.[1];
  return received === undefined ? sent : Math.min(sent, Math.max(Number(received), sent - MOST_IN_FLIGHT));
}
