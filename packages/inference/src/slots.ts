/** A fixed set of places; a caller holds one while it works, others wait in order. */
export interface Slots<Place extends object> {
  readonly size: number;
  readonly idle: number;
  run<Result>(work: (place: Place) => Promise<Result>): Promise<Result>;
}

/** @param places one object per slot; a context of the engine, say. */
export function createSlots<Place extends object>(places: readonly Place[]): Slots<Place> {
  const free = [...places];
  const waiting: ((place: Place) => void)[] = [];
  return {
    size: places.length,
    get idle() {
      return free.length;
    },
    async run(work) {
      const place = free.pop() ?? (await new Promise<Place>((resolve) => waiting.push(resolve)));
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
