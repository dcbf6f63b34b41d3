/** A wallet as pages know it (https://eips.ethereum.org/EIPS/eip-1193). */
export interface Eip1193Provider {
  request(call: { readonly method: string; readonly params?: readonly unknown[] }): Promise<unknown>;
  on?(event: string, listener: (value: unknown) => void): unknown;
  removeListener?(event: string, listener: (value: unknown) => void): unknown;
}

/** A wallet that the reader may choose. */
export interface WalletChoice {
  /** Unlike those of the others; stays the same over visits where the wallet says what it is. */
  readonly id: string;
  readonly name: string;
  /** Its money is worth nothing. */
  readonly test: boolean;
  readonly provider: Eip1193Provider;
}

/** Whether something that another script put into the page can be asked like a wallet. */
export function isProvider(value: unknown): value is Eip1193Provider {
  return typeof value === "object" && value !== null && "request" in value && typeof value.request === "function";
}
