import { errorMessage, FrameDecoder, type FrameHandler, type FrameType } from "@depinfer/protocol";
import type { Stream, StreamMessageEvent } from "@libp2p/interface";
import type { Clock } from "./clock.ts";
import { FrameWriter } from "./frame-writer.ts";

/** How long the last frames of a closing stream may take to leave, in ms. */
const CLOSE_TIMEOUT_MS = 1000;

/** A peer that lets this many bytes pile up does not read, whatever it sends. */
const MAX_BUFFERED_BYTES = 64 * 1024 * 1024;

export interface FrameStreamModules {
  readonly clock: Clock;
  readonly stream: Stream;
  readonly onFrame: FrameHandler;
  /** `write` may be used again after it returned false. */
  readonly onRoom: () => void;
  /** Bytes came in, whatever they are. */
  readonly onHeard: () => void;
  /** What came in is no frame, or too much waits to go out. Nothing more is handed over. */
  readonly onBroken: (error: unknown) => void;
  /** The other side ended or reset the stream, or the connection is gone. Called once, unless this side closed first. */
  readonly onEnd: (reason: string, cause?: unknown) => void;
}

/** Frames over a libp2p stream, both ways. */
export class FrameStream {
  readonly #modules: FrameStreamModules;
  readonly #decoder: FrameDecoder;
  readonly #writer: FrameWriter;
  /** Set once nothing more is to be handed over. */
  #deaf = false;
  #closed: Promise<void> = Promise.resolve();

  constructor(modules: FrameStreamModules, maxPayloadBytes: number) {
    this.#modules = modules;
    this.#decoder = new FrameDecoder({ maxPayloadBytes });
    this.#writer = new FrameWriter(modules.stream, modules.onRoom);
    this.#listen(modules.stream);
  }

  get isFull(): boolean {
    return this.#writer.isFull;
  }

  get bufferedBytes(): number {
    return this.#writer.bufferedBytes;
  }

  /** Resolves when the last bytes of a closed stream were handed to the transport, or could not be. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  /** Queues a copy of a frame. False when producers should wait. */
  write(requestId: number, type: FrameType, payload: Uint8Array): boolean {
    const room = this.#writer.write(requestId, type, payload);
    if (!room && !this.#deaf && this.#writer.bufferedBytes > MAX_BUFFERED_BYTES) {
      this.#break(new Error(`${this.#writer.bufferedBytes} bytes wait and the peer does not read`));
    }
    return room;
  }

  /** Sends what is queued, then ends the stream. */
  close(): void {
    if (this.#writer.isStopped) {
      return;
    }
    this.#deaf = true;
    this.#writer.flush(true);
    this.#writer.stop();
    const { clock, stream } = this.#modules;
    const abort = (): void => stream.abort(new Error("link closed"));
    // The peer answers our end with its own; one that does not is cut off.
    clock.after(CLOSE_TIMEOUT_MS, abort);
    this.#closed = stream.close({ signal: AbortSignal.timeout(CLOSE_TIMEOUT_MS) }).catch(abort);
  }

  /** Drops what is queued and resets the stream. */
  abort(error: Error): void {
    this.#deaf = true;
    this.#writer.stop();
    this.#modules.stream.abort(error);
  }

  #listen(stream: Stream): void {
    const onFrame: FrameHandler = (requestId, type, payload) => {
      // Frames behind the one that closed the stream have no meaning any more.
      if (!this.#deaf) {
        this.#modules.onFrame(requestId, type, payload);
      }
    };
    stream.addEventListener("message", ({ data }: StreamMessageEvent) => {
      if (this.#deaf) {
        return;
      }
      this.#modules.onHeard();
      try {
        if (data instanceof Uint8Array) {
          this.#decoder.push(data, onFrame);
        } else {
          for (const part of data) {
            this.#decoder.push(part, onFrame);
          }
        }
      } catch (error) {
        this.#break(error);
      }
    });
    stream.addEventListener("remoteCloseWrite", () => {
      try {
        this.#decoder.finish();
        this.#end("the peer ended it");
      } catch (error) {
        this.#end(errorMessage(error), error);
      }
    });
    stream.addEventListener("close", ({ error }) => {
      // What is still queued has nowhere to go, and the stream throws at whoever sends it.
      this.#writer.stop();
      this.#end(error === undefined ? "the connection is gone" : errorMessage(error), error);
    });
  }

  #break(error: unknown): void {
    this.#deaf = true;
    this.#modules.onBroken(error);
  }

  #end(reason: string, cause?: unknown): void {
    if (!this.#deaf) {
      this.#deaf = true;
      this.#modules.onEnd(reason, cause);
    }
  }
}
