import { DepinferError } from "./errors.ts";

/*
 * The frame of `/depinfer/1`, big-endian:
 *
 *   0        4            8      9
 *   | u32 n  | u32 id     | u8 t | n bytes of payload |
 *
 * `n` counts the payload only. `id` is the request that the frame belongs to; 0 is the link itself. Types with the
 * high bit set are extensions that a peer may ignore; any other unknown type means that the peers disagree about the
 * protocol, and continuing would guess at meaning.
 */

/** Bytes before the payload. */
export const FRAME_HEADER_BYTES = 9;

/** Largest payload accepted unless a decoder is told otherwise: a prompt of a million tokens fits, a disk image does not. */
export const DEFAULT_MAX_PAYLOAD_BYTES = 4 * 1024 * 1024;

/** What a frame means. */
export const FrameType = {
  HELLO: 1,
  REQ: 2,
  ACCEPT: 3,
  DATA: 4,
  END: 5,
  ERR: 6,
  CANCEL: 7,
  CREDIT: 8,
  VOUCHER: 9,
  RECEIPT: 10,
  OFFER: 11,
  PING: 12,
  PONG: 13,
  QUERY: 14,
  RESULT: 15,
  /** Of the tokens of the next DATA, where the request asks for them; a peer that does not know it ignores it. */
  LOGPROBS: 0x81,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

const LAST_KNOWN_TYPE = FrameType.RESULT;
const IGNORABLE_BIT = 0x80;

/** Receives decoded frames. `payload` may be a view of the chunk that was pushed: copy it to keep it for long. */
export type FrameHandler = (requestId: number, type: FrameType, payload: Uint8Array) => void;

/** The bytes on a stream are not frames of this protocol. The stream cannot be used any further. */
export class FrameError extends DepinferError {}

/** True for a type that this version gives a meaning. */
export function isKnownFrameType(type: number): type is FrameType {
  return (type >= FrameType.HELLO && type <= LAST_KNOWN_TYPE) || type === FrameType.LOGPROBS;
}

/** Writes a frame into `target` at `offset`; the caller made room. Returns the offset after the frame. */
export function writeFrame(
  target: Uint8Array,
  offset: number,
  requestId: number,
  type: number,
  payload: Uint8Array,
): number {
  writeUint32(target, offset, payload.length);
  writeUint32(target, offset + 4, requestId);
  target[offset + 8] = type;
  target.set(payload, offset + FRAME_HEADER_BYTES);
  return offset + FRAME_HEADER_BYTES + payload.length;
}

/** One frame as bytes of its own. Where many frames are sent, `writeFrame` into a shared buffer is cheaper. */
export function encodeFrame(requestId: number, type: number, payload: Uint8Array = NO_BYTES): Uint8Array {
  const out = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
  writeFrame(out, 0, requestId, type, payload);
  return out;
}

export interface FrameDecoderOptions {
  /** Payloads above this many bytes are refused before any memory is set aside for them. */
  readonly maxPayloadBytes?: number;
}

/**
 * Finds frames in a stream of chunks that are cut anywhere.
 *
 * A frame that lies whole in one chunk is handed over as a view without a copy. A frame that is split gets one buffer
 * of its exact size, filled as chunks arrive, so the cost is linear however small the chunks are. After an error the
 * decoder stays failed: what follows a broken frame has no meaning.
 *
 * @example
 * const decoder = new FrameDecoder();
 * decoder.push(encodeFrame(1, FrameType.DATA, bytes), (id, type, payload) => console.log(id, type, payload.length));
 */
export class FrameDecoder {
  readonly #maxPayloadBytes: number;
  readonly #header = new Uint8Array(FRAME_HEADER_BYTES);
  /** Bytes of `#header` that hold the start of the current frame. */
  #headerBytes = 0;
  /** Set while a payload is split over chunks; `undefined` for one that is being skipped. */
  #payload: Uint8Array | undefined;
  #type: FrameType = FrameType.HELLO;
  #payloadBytes = 0;
  #payloadLength = 0;
  #inPayload = false;
  #failure: FrameError | undefined;

  constructor(options: FrameDecoderOptions = {}) {
    this.#maxPayloadBytes = options.maxPayloadBytes ?? DEFAULT_MAX_PAYLOAD_BYTES;
  }

  /**
   * Hands every frame that `chunk` completes to `onFrame`, in order. `onFrame` must not throw: the rest of the chunk
   * would be lost.
   *
   * @throws FrameError `frame.tooLarge`, `frame.unknownType`; the frames before the broken one were handed over.
   */
  push(chunk: Uint8Array, onFrame: FrameHandler): void {
    if (this.#failure !== undefined) {
      throw this.#failure;
    }
    let offset = 0;
    while (offset < chunk.length) {
      if (this.#inPayload) {
        offset = this.#continuePayload(chunk, offset, onFrame);
        continue;
      }
      if (this.#headerBytes === 0 && chunk.length - offset >= FRAME_HEADER_BYTES) {
        offset = this.#startPayload(chunk, offset, chunk, offset + FRAME_HEADER_BYTES, onFrame);
        continue;
      }
      const take = Math.min(FRAME_HEADER_BYTES - this.#headerBytes, chunk.length - offset);
      this.#header.set(chunk.subarray(offset, offset + take), this.#headerBytes);
      this.#headerBytes += take;
      offset += take;
      if (this.#headerBytes === FRAME_HEADER_BYTES) {
        offset = this.#startPayload(this.#header, 0, chunk, offset, onFrame);
      }
    }
  }

  /**
   * Says that the stream ended.
   *
   * @throws FrameError `frame.truncated` when it ended inside a frame.
   */
  finish(): void {
    if (this.#failure !== undefined) {
      throw this.#failure;
    }
    if (this.#inPayload || this.#headerBytes > 0) {
      const missing = this.#inPayload
        ? this.#payloadLength - this.#payloadBytes
        : FRAME_HEADER_BYTES - this.#headerBytes;
      throw this.#fail(
        new FrameError({
          code: "frame.truncated",
          message: `The stream ended inside a frame, at least ${missing} bytes short`,
          remedy: "Treat the last answer as incomplete and ask again",
          metadata: { missingBytes: missing },
          retryable: true,
        }),
      );
    }
  }

  /** Reads the header at `header[at]`; its payload begins at `chunk[offset]`. Returns where to continue in `chunk`. */
  #startPayload(header: Uint8Array, at: number, chunk: Uint8Array, offset: number, onFrame: FrameHandler): number {
    const length = readUint32(header, at);
    const type = header[at + 8] ?? 0;
    const wanted = isKnownFrameType(type);
    if (wanted) {
      this.#type = type;
    } else if ((type & IGNORABLE_BIT) === 0) {
      throw this.#fail(unknownType(type));
    }
    if (length > this.#maxPayloadBytes) {
      throw this.#fail(tooLarge(length, this.#maxPayloadBytes));
    }
    const end = offset + length;
    if (end <= chunk.length) {
      this.#headerBytes = 0;
      if (wanted) {
        onFrame(readUint32(header, at + 4), this.#type, chunk.subarray(offset, end));
      }
      return end;
    }
    if (header !== this.#header) {
      this.#header.set(header.subarray(at, at + FRAME_HEADER_BYTES));
    }
    this.#headerBytes = FRAME_HEADER_BYTES;
    this.#inPayload = true;
    this.#payload = wanted ? new Uint8Array(length) : undefined;
    this.#payloadLength = length;
    this.#payloadBytes = 0;
    return offset;
  }

  #continuePayload(chunk: Uint8Array, offset: number, onFrame: FrameHandler): number {
    const take = Math.min(this.#payloadLength - this.#payloadBytes, chunk.length - offset);
    this.#payload?.set(chunk.subarray(offset, offset + take), this.#payloadBytes);
    this.#payloadBytes += take;
    if (this.#payloadBytes === this.#payloadLength) {
      const payload = this.#payload;
      this.#payload = undefined;
      this.#inPayload = false;
      this.#headerBytes = 0;
      if (payload !== undefined) {
        onFrame(readUint32(this.#header, 4), this.#type, payload);
      }
    }
    return offset + take;
  }

  #fail(error: FrameError): FrameError {
    this.#failure = error;
    this.#payload = undefined;
    return error;
  }
}

function unknownType(type: number): FrameError {
  return new FrameError({
    code: "frame.unknownType",
    message: `The peer sent a frame of type ${type}, which this version does not know and may not ignore`,
    remedy: "Upgrade the older of the two peers",
    metadata: { type },
  });
}

function tooLarge(length: number, maximum: number): FrameError {
  return new FrameError({
    code: "frame.tooLarge",
    message: `The peer announced a payload of ${length} bytes; at most ${maximum} are accepted`,
    remedy: "Send the body in smaller parts",
    metadata: { length, maximum },
  });
}

function readUint32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0
  );
}

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

const NO_BYTES = new Uint8Array(0);
