import { DepinferError } from "@depinfer/protocol";

/** One piece of work at a time, the others in order, and not too many of them. */
export interface WorkQueue {
  /**
   * @param onPlace told how many go first, at once and whenever it changes; 0 when the work begins.
   * @throws DepinferError `verify.busy` when the queue is full; the signal's reason when it is aborted while waiting.
   */
  run<Result>(work: () => Promise<Result>, onPlace: (ahead: number) => void, signal: AbortSignal): Promise<Result>;
}

interface Place {
  readonly moved: (ahead: number) => void;
}

export function createWorkQueue(mostWaiting: number): WorkQueue {
  /** The first one works. */
  const places: Place[] = [];

  function leave(place: Place): void {
    places.splice(places.indexOf(place), 1);
    for (const [ahead, { moved }] of places.entries()) {
      moved(ahead);
    }
  }

  return {
    async run(work, onPlace, signal) {
      if (places.length > mostWaiting) {
        throw new DepinferError({
          code: "verify.busy",
          message: `${mostWaiting} verifications wait already`,
          remedy: "Try again when some are done",
          retryable: true,
        });
      }
      const turn = Promise.withResolvers<void>();
      const place: Place = {
        moved(ahead) {
          onPlace(ahead);
          if (ahead === 0) {
            turn.resolve();
          }
        },
      };
      const giveUp = () => turn.reject(signal.reason);
      signal.addEventListener("abort", giveUp);
      try {
        signal.throwIfAborted();
        place.moved(places.push(place) - 1);
        await turn.promise;
        return await work();
      } finally {
        signal.removeEventListener("abort", giveUp);
        if (places.includes(place)) {
          leave(place);
        }
      }
    },
  };
}
