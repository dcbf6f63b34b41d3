/**
 * `pending`, unless `signal` aborts first: then the caller stops waiting, with the signal's reason, while the work goes
 * on. A result that comes after that is given to `onLate`; a failure after that concerns nobody.
 */
export function abandonOn<T>(signal: AbortSignal, pending: Promise<T>, onLate?: (result: T) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const abandon = (): void => {
      reject(signal.reason);
      pending.then(onLate, () => {});
    };
    if (signal.aborted) {
      abandon();
      return;
    }
    signal.addEventListener("abort", abandon, { once: true });
    const settled = (): void => signal.removeEventListener("abort", abandon);
    pending.then(
      (result) => {
        settled();
        resolve(result);
      },
      (error: unknown) => {
        settled();
        reject(error);
      },
    );
  });
}
