import { FrameType } from "@depinfer/protocol";
import type { Clock } from "./clock.ts";

/** Weight of the newest round trip in the smoothed one. */
const NEWEST_WEIGHT = 0.25;

export interface HeartbeatModules {
  readonly clock: Clock;
  readonly send: (type: FrameType, payload: Uint8Array) => void;
  /** Called with every beat, for work that wants a slow timer. */
  readonly onBeat: () => void;
  /** The peer was silent for `silentBeats` beats. */
  readonly onDead: (silentBeats: number) => void;
}

export interface HeartbeatOptions {
  readonly intervalMs: number;
  readonly maxSilentBeats: number;
}

/**
 * Measures the round trip and notices a peer that went away without a word.
 *
 * Silence is counted in beats of our own timer rather than in time: when this process itself stood still, one late
 * beat comes before the input that piled up, and the peer must not be blamed for it. Any frame counts as life.
 */
export class Heartbeat {
  rttMs: number | undefined;
  readonly #modules: HeartbeatModules;
  readonly #options: HeartbeatOptions;
  #heard = true;
  #silentBeats = 0;
  #stop: () => void = () => {};

  constructor(modules: HeartbeatModules, options: HeartbeatOptions) {
    this.#modules = modules;
    this.#options = options;
  }

  start(): void {
    this.#ping();
    this.#schedule();
  }

  stop(): void {
    this.#stop();
    this.#stop = () => {};
  }

  /** Something arrived from the peer. */
  heard(): void {
    this.#heard = true;
  }

  /** The peer echoed one of our pings. A payload that is not ours is ignored. */
  pong(payload: Uint8Array): void {
    if (payload.length !== 8) {
      return;
    }
    const sentAt = new DataView(payload.buffer, payload.byteOffset, 8).getFloat64(0);
    const rttMs = performance.now() - sentAt;
    if (rttMs >= 0 && rttMs < this.#options.intervalMs * (this.#options.maxSilentBeats + 1)) {
      this.rttMs = this.rttMs === undefined ? rttMs : this.rttMs + NEWEST_WEIGHT * (rttMs - this.rttMs);
    }
  }

  #schedule(): void {
    this.#stop = this.#modules.clock.after(this.#options.intervalMs, () => this.#beat());
  }

  #beat(): void {
    this.#silentBeats = this.#heard ? 0 : this.#silentBeats + 1;
    this.#heard = false;
    if (this.#silentBeats >= this.#options.maxSilentBeats) {
      this.#modules.onDead(this.#silentBeats);
      return;
    }
    this.#schedule();
    this.#ping();
    this.#modules.onBeat();
  }

  #ping(): void {
    const payload = new Uint8Array(8);
    new DataView(payload.buffer).setFloat64(0, performance.now());
    this.#modules.send(FrameType.PING, payload);
  }
}
