/** Looks at the counter this often before it asks the operating system to be woken: a round takes less than a switch. */
const SPINS = 2_000;

/**
 * A place where a number of threads wait until all are there.
 *
 * @param words two shared words that begin as 0: how many have arrived, and how often all have met.
 */
export function createBarrier(words: Int32Array, threads: number): () => void {
  return () => {
    const met = Atomics.load(words, 1);
    if (Atomics.add(words, 0, 1) + 1 === threads) {
      Atomics.store(words, 0, 0);
      Atomics.add(words, 1, 1);
      Atomics.notify(words, 1);
      return;
    }
    for (let spin = 0; spin < SPINS; spin++) {
      if (Atomics.load(words, 1) !== met) {
        return;
      }
    }
    while (Atomics.load(words, 1) === met) {
      Atomics.wait(words, 1, met);
    }
  };
}
