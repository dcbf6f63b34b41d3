/** A fixed set of places; a caller holds one while it works, others wait in order. */
export interface Slots<Place extends object> {
  readonly size: number;
  readonly idle: number;
  /** @param worth of a free place for this work; the one that is worth most is taken. By default the last that was used. */
  run<Result>(work: (place: Place) => Promise<Result>, worth?: (place: Place) => number): Promise<Result>;
}

/** @param places one object per slot; a context of the engine, say. */
export function createSlots<Place extends object>(places: readonly Place[]): Slots<Place> {
  const free = [...places];
  const waiting: ((place: Place) => void)[] = [];

  function take(worth: (place: Place) => number): Place | undefined {
    let best = free.at(-1);
    for (const place of free) {
      if (best !== undefined && worth(place) > worth(best)) {
        best = place;
      }
    }
    return best === undefined ? undefined : free.splice(free.indexOf(best), 1)[0];
  }

  return {
    size: places.length,
    get idle() {
      return free.length;
    },
    async run(work, worth = () => 0) {
      const place = take(worth) ?? (await new Promise<Place>((resolve) => waiting.push(resolve)));
      try {
        return await work(place);
      } finally {
        const next = waiting.shift();
        if (next === undefined) {
          free.push(place);
        } else {
          next(place);
        }
      }
    },
  };
}
