import type { Unsubscribe } from "./link.ts";

/** A list of callbacks. One that throws does not keep the others from being called. */
export class Handlers<Arguments extends readonly unknown[]> {
  readonly #handlers = new Set<(...values: Arguments) => void>();
  readonly #onError: (error: unknown) => void;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  add(handler: (...values: Arguments) => void): Unsubscribe {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  call(...values: Arguments): void {
    for (const handler of this.#handlers) {
      try {
        handler(...values);
      } catch (error) {
        this.#onError(error);
      }
    }
  }

  clear(): void {
    this.#handlers.clear();
  }
}
