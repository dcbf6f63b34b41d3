/**
 * What was sent to the buyer, piece by piece, so that a stream cut short is charged for exactly what arrived.
 */
export interface Delivery {
  readonly tokens: readonly number[];
  add(tokens: readonly number[], text: string): void;
  /** Tokens and text of the first pieces that together have at most `count` tokens. */
  first(count: number): Delivered;
  /** Text of the first pieces that together have at most `bytes` bytes, for engines that tell no tokens. */
  firstBytes(bytes: number): Delivered;
  /** True while nothing was sent. */
  readonly isEmpty: boolean;
  /** Bytes of text that were sent. */
  readonly bytes: number;
  /** Everything that was sent. */
  all(): Delivered;
}

export interface Delivered {
  readonly tokens: readonly number[];
  readonly text: string;
  /** How many pieces it came in. */
  readonly pieces: number;
}

export function createDelivery(): Delivery {
  const tokens: number[] = [];
  const pieces: { readonly end: number; readonly endByte: number; readonly text: string }[] = [];
  let bytes = 0;

  function part(arrived: typeof pieces): Delivered {
    return {
      tokens: tokens.slice(0, arrived.at(-1)?.end ?? 0),
      text: arrived.map(({ text }) => text).join(""),
      pieces: arrived.length,
    };
  }

  return {
    tokens,
    get bytes() {
      return bytes;
    },
    get isEmpty() {
      return pieces.length === 0;
    },
    add(more, text) {
      tokens.push(...more);
      bytes += Buffer.byteLength(text);
      pieces.push({ end: tokens.length, endByte: bytes, text });
    },
    first: (count) => part(pieces.filter(({ end }) => end <= count)),
    firstBytes: (count) => part(pieces.filter(({ endByte }) => endByte <= count)),
    all: () => part(pieces),
  };
}

/**
 * Tokens that may be under way when a buyer cancels. It says in CANCEL how many it received; it is believed about this
 * many, so that a buyer cannot read everything and claim to have received nothing.
 */
const MOST_IN_FLIGHT = 256;
/** Usual for English; used where tokens are not known. */
const BYTES_PER_TOKEN = 4;
const MOST_BYTES_IN_FLIGHT = BYTES_PER_TOKEN * MOST_IN_FLIGHT;

/**
 * How many tokens a buyer that cancelled pays for.
 *
 * @param reason text of its CANCEL frame.
 * @param trust tokens that it may say it did not receive; a buyer that always cancels uses it up.
 */
export function deliveredAtCancel(sent: number, reason: string, trust: number): number {
  return believed(sent, /^received:(\d{1,9})$/.exec(reason)?.[1], Math.min(MOST_IN_FLIGHT, trust));
}

/** How many bytes of text a buyer that cancelled pays for, where tokens are not known. */
export function bytesDeliveredAtCancel(sent: number, reason: string, trust: number): number {
  const received = /^received:0$/.test(reason) ? "0" : /^receivedBytes:(\d{1,9})$/.exec(reason)?.[1];
  return believed(sent, received, Math.min(MOST_BYTES_IN_FLIGHT, trust * BYTES_PER_TOKEN));
}

function believed(sent: number, received: string | undefined, inFlight: number): number {
  return received === undefined ? sent : Math.min(sent, Math.max(Number(received), sent - inFlight));
}
