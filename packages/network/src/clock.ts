/** Time as a collaborator, so that tests decide when something expires. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls `callback` once after `delayMs`. The returned function cancels. */
  after(delayMs: number, callback: () => void): () => void;
}

/** The machine's clock. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after: (delayMs, callback) => {
    // A longer delay would overflow the timer and fire at once.
    const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), 0x7fff_ffff));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
