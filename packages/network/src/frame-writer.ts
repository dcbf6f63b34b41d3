import { FRAME_HEADER_BYTES, type FrameType, writeFrame } from "@depinfer/protocol";

/** What the writer needs of a libp2p stream. */
export interface ByteSink {
  /** False when the transport is full; a `drain` event says when it is not. */
  send(bytes: Uint8Array): boolean;
  readonly writableNeedsDrain: boolean;
  readonly writeBufferLength: number;
  addEventListener(type: "drain", listener: () => void): void;
}

/** Above this many unsent bytes producers are asked to wait; half of it lets them continue. */
const HIGH_WATER_BYTES = 1024 * 1024;

/** Frames share buffers of at least this size, so that a burst of small frames costs one allocation. */
const SMALLEST_BUFFER_BYTES = 2 * 1024;
const LARGEST_SHARED_BUFFER_BYTES = 64 * 1024;

/**
 * Writes frames to a stream, all those of one tick together: one write to the transport costs about as much as a
 * hundred small frames. While the transport is full, frames gather here.
 */
export class FrameWriter {
  readonly #sink: ByteSink;
  readonly #onRoom: () => void;
  /** Buffers that are full; the last, half-full one is `#buffer`. */
  #full: Uint8Array[] = [];
  #buffer: Uint8Array = NOTHING;
  #used = 0;
  #queuedBytes = 0;
  /** Size of the next buffer; follows what a tick needs. */
  #bufferBytes = SMALLEST_BUFFER_BYTES;
  #scheduled = false;
  #stopped = false;
  #wasFull = false;
  readonly #flush = (): void => {
    this.#scheduled = false;
    this.flush();
  };

  /** `onRoom` is called when the writer has room again after `write` returned false. */
  constructor(sink: ByteSink, onRoom: () => void) {
    this.#sink = sink;
    this.#onRoom = onRoom;
    sink.addEventListener("drain", () => this.flush());
  }

  /** Bytes accepted and not yet taken by the transport. */
  get bufferedBytes(): number {
    return this.#queuedBytes + this.#sink.writeBufferLength;
  }

  get isStopped(): boolean {
    return this.#stopped;
  }

  get isFull(): boolean {
    return this.bufferedBytes >= HIGH_WATER_BYTES;
  }

  /** Copies a frame into the queue. False when the producer should wait for room; the frame is sent all the same. */
  write(requestId: number, type: FrameType, payload: Uint8Array): boolean {
    if (this.#stopped) {
      return false;
    }
    const size = FRAME_HEADER_BYTES + payload.length;
    if (this.#used + size > this.#buffer.length) {
      this.#newBuffer(size);
    }
    this.#used = writeFrame(this.#buffer, this.#used, requestId, type, payload);
    this.#queuedBytes += size;
    if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(this.#flush);
    }
    if (this.isFull) {
      this.#wasFull = true;
      return false;
    }
    return true;
  }

  /** Hands everything to the stream now. While the transport is full nothing happens, unless `force` is set. */
  flush(force = false): void {
    if (this.#stopped || (this.#sink.writableNeedsDrain && !force)) {
      return;
    }
    if (this.#queuedBytes > 0) {
      const full = this.#full;
      const last = this.#buffer.subarray(0, this.#used);
      this.#bufferBytes = Math.min(LARGEST_SHARED_BUFFER_BYTES, Math.max(SMALLEST_BUFFER_BYTES, this.#queuedBytes));
      this.#full = [];
      this.#buffer = NOTHING;
      this.#used = 0;
      this.#queuedBytes = 0;
      for (const buffer of full) {
        this.#sink.send(buffer);
      }
      this.#sink.send(last);
    }
    if (this.#wasFull && this.bufferedBytes <= HIGH_WATER_BYTES / 2) {
      this.#wasFull = false;
      this.#onRoom();
    }
  }

  /** Drops what is queued; nothing is written any more. */
  stop(): void {
    this.#stopped = true;
    this.#full = [];
    this.#buffer = NOTHING;
    this.#queuedBytes = 0;
  }

  #newBuffer(size: number): void {
    if (this.#used > 0) {
      this.#full.push(this.#buffer.subarray(0, this.#used));
      this.#bufferBytes = LARGEST_SHARED_BUFFER_BYTES;
    }
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(this.#bufferBytes, size));
    this.#used = 0;
  }
}

const NOTHING = new Uint8Array(0);
