/** How long an answer that costs much is given to everybody who asks. Less than people notice, more than a flood needs. */
const SHARED_MS = 1_000;

/** Gives what the work gives, or has given to somebody else just now. */
export type SharedAnswer<Answer> = (work: () => Promise<Answer>) => Promise<Answer>;

/** Computes something once for all who ask at about the same time, and again after a second. A failure is not kept. */
export function createSharedAnswer<Answer>(now: () => number = Date.now): SharedAnswer<Answer> {
  let known: { readonly until: number; readonly answer: Promise<Answer> } | null = null;
  return (work) => {
    if (known === null || known.until <= now()) {
      const answer = work();
      const kept = { until: now() + SHARED_MS, answer };
      known = kept;
      answer.catch(() => {
        known = known === kept ? null : known;
      });
    }
    return known.answer;
  };
}
