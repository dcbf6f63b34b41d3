import { randomBytes } from "node:crypto";
import type { Link } from "@depinfer/network";
import {
  type Accept,
  acceptSchema,
  DepinferError,
  decodeData,
  decodeError,
  decodeMessage,
  type End,
  endSchema,
  FrameType,
  type Hex,
  logprobsSchema,
  type PositionLogprobs,
  type SignedReceipt,
  signedReceiptSchema,
  toHex,
} from "@depinfer/protocol";

/** What one provider delivered for one request. */
export interface Delivered {
  readonly accept: Accept | null;
  readonly tokens: readonly number[];
  readonly text: string;
  /** Where each piece ended: how many tokens and how much text had arrived with it. */
  readonly pieces: readonly Piece[];
  readonly end: End | null;
  readonly signed: SignedReceipt | null;
  /** The last receipt for a part of the answer, which a provider signs from time to time while it streams. */
  readonly interim: SignedReceipt | null;
  /** Why it did not end well, or null. */
  readonly error: DepinferError | null;
  /** True when the error is the provider's own ERR. */
  readonly refused: boolean;
  readonly cancelled: boolean;
}

export interface Piece {
  readonly tokens: number;
  /** Length of the text in UTF-16 units. */
  readonly text: number;
}

export interface AttemptHandlers {
  /** The provider took the request; nothing was delivered yet. Throw to refuse its terms. */
  readonly onAccept: (accept: Accept) => void;
  /** Text as it arrives. A returned promise holds the provider back. */
  readonly onText: (
    text: string,
    tokens: readonly number[],
    logprobs: readonly PositionLogprobs[] | undefined,
  ) => Promise<void> | undefined;
}

export interface AttemptOptions {
  /** Milliseconds until ACCEPT after which the provider is given up. */
  readonly acceptMs: number;
  /** Milliseconds without any frame after ACCEPT after which the provider is given up. */
  readonly silenceMs: number;
  /** Tokens that were asked for; a provider that sends more is cut off. */
  readonly maxTokens: number;
  readonly signal?: AbortSignal;
}

const decoder = () => new TextDecoder("utf-8");

/**
 * Runs one exchange from REQ to END, counting tokens by the ids that arrive. Never rejects: whatever happened, what was
 * delivered until then is in the result, since it may have to be paid.
 */
export function attempt(
  link: Link,
  payload: Uint8Array,
  handlers: AttemptHandlers,
  options: AttemptOptions,
): Promise<Delivered> {
  return new Promise((resolve) => {
    const exchange = link.open(payload);
    const tokens: number[] = [];
    const utf8 = decoder();
    let text = "";
    let accept: Accept | null = null;
    let end: End | null = null;
    let signed: SignedReceipt | null = null;
    let interim: SignedReceipt | null = null;
    const pieces: Piece[] = [];
    let logprobs: readonly PositionLogprobs[] | undefined;
    let error: DepinferError | null = null;
    let refused = false;
    let cancelled = false;
    let silence = setTimeout(giveUp, options.acceptMs);

    function listen(): void {
      clearTimeout(silence);
      silence = setTimeout(giveUp, options.silenceMs);
    }

    function stop(): void {
      // What was received, in tokens, or in bytes from an upstream that tells no tokens; it is what will be paid.
      const received =
        tokens.length === 0 && text !== "" ? `receivedBytes:${Buffer.byteLength(text)}` : `received:${tokens.length}`;
      exchange.cancel(received);
    }

    function giveUp(): void {
      error ??= new DepinferError({
        code: "provider.silent",
        message: `The provider sent nothing for ${accept === null ? options.acceptMs : options.silenceMs} ms`,
        remedy: "Ask another provider",
        retryable: true,
      });
      stop();
    }

    function breach(cause: unknown): void {
      error ??=
        cause instanceof DepinferError
          ? cause
          : new DepinferError({
              code: "provider.misbehaved",
              message: String(cause),
              remedy: "Ask another provider",
              retryable: true,
              cause,
            });
      stop();
    }

    /** Of the tokens that came just now; they are sent before them. */
    function takeLogprobs(count: number): readonly PositionLogprobs[] | undefined {
      const told = logprobs;
      logprobs = undefined;
      if (told !== undefined && told.length !== count) {
        throw misbehaved(`log-probabilities of ${told.length} tokens came before ${count} tokens`);
      }
      return told;
    }

    function take(type: FrameType, bytes: Uint8Array): void {
      switch (type) {
        case FrameType.ACCEPT:
          if (accept !== null) {
            throw misbehaved("ACCEPT came twice");
          }
          accept = decodeMessage(acceptSchema, bytes, "ACCEPT");
          handlers.onAccept(accept);
          break;
        case FrameType.DATA: {
          if (accept === null) {
            throw misbehaved("DATA came before ACCEPT");
          }
          const before = tokens.length;
          const piece = utf8.decode(decodeData(bytes, tokens), { stream: true });
          text += piece;
          pieces.push({ tokens: tokens.length, text: text.length });
          if (tokens.length > options.maxTokens) {
            throw misbehaved(`more than the ${options.maxTokens} tokens that were asked for came`);
          }
          const full = handlers.onText(piece, tokens.slice(before), takeLogprobs(tokens.length - before));
          if (full !== undefined) {
            // The reader's time is not the provider's silence.
            exchange.pause();
            clearTimeout(silence);
            full.then(() => {
              if (!exchange.closed) {
                listen();
              }
              exchange.resume();
            }, breach);
          }
          break;
        }
        case FrameType.LOGPROBS:
          logprobs = decodeMessage(logprobsSchema, bytes, "LOGPROBS");
          break;
        case FrameType.RECEIPT: {
          const receipt = decodeMessage(signedReceiptSchema, bytes, "RECEIPT");
          // What was cancelled is signed for outside of the exchange; here the answer goes on.
          if (receipt.receipt.stopReason === "cancelled") {
            interim = receipt;
          } else {
            signed = receipt;
          }
          break;
        }
        case FrameType.END:
          end = decodeMessage(endSchema, bytes, "END");
          break;
        case FrameType.ERR:
          error ??= decodeError(bytes);
          refused = true;
          break;
        default:
          break;
      }
    }

    const abort = () => {
      cancelled = true;
      stop();
    };
    options.signal?.addEventListener("abort", abort, { once: true });

    exchange.onFrame((type, bytes) => {
      listen();
      try {
        take(type, bytes);
      } catch (cause) {
        breach(cause);
      }
    });
    exchange.onClose((outcome) => {
      clearTimeout(silence);
      options.signal?.removeEventListener("abort", abort);
      if (outcome.kind === "failed") {
        error ??= outcome.error;
      } else if (outcome.kind === "cancelled" && outcome.by === "remote") {
        error ??= new DepinferError({
          code: "provider.cancelled",
          message: `The provider gave up: ${outcome.reason}`,
          remedy: "Ask another provider",
          retryable: true,
        });
      }
      resolve({ accept, tokens, text, pieces, end, signed, interim, error, refused, cancelled });
    });
    if (options.signal?.aborted) {
      abort();
    }
  });
}

function misbehaved(what: string): DepinferError {
  return new DepinferError({
    code: "provider.misbehaved",
    message: `The provider broke the protocol: ${what}`,
    remedy: "Ask another provider",
    retryable: true,
  });
}

/** 32 random bytes, as ids and nonces are. */
export function random32(): Hex {
  return toHex(randomBytes(32));
}
