import { noAccount } from "./errors.ts";
import type { Rpc } from "./rpc.ts";
import type { Signer } from "./signer.ts";
import type { Transaction, Writer } from "./writer.ts";

/** What a transaction would need. */
export interface Preview {
  readonly gas: bigint;
  /** Wei at today's price: gas times base fee and tip. */
  readonly fee: bigint;
}

/** Carries an estimate out through whatever would have sent the transaction. */
class Previewed extends Error {
  readonly preview: Preview;

  constructor(preview: Preview) {
    super("this transaction was only estimated");
    this.preview = preview;
  }
}

/** A writer that sends nothing: each write ends with an estimate for `previewOf`. */
export function createPreviewWriter({
  rpc,
  account,
}: {
  readonly rpc: Rpc;
  readonly account: Signer | undefined;
}): Writer {
  function requireAccount(action: string): Signer {
    if (account === undefined) {
      throw noAccount(action);
    }
    return account;
  }

  async function estimate({ to, data, value = 0n, action }: Transaction): Promise<never> {
    const from = requireAccount(action).address;
    const call = { account: from, data, value, ...(to === undefined ? {} : { to }) };
    const preview = await rpc.ask(action, async (client) => {
      const [gas, price] = await Promise.all([client.estimateGas(call), client.getGasPrice()]);
      return { gas, fee: gas * price };
    });
    throw new Previewed(preview);
  }

  return { account: requireAccount, send: estimate, sendForReceipt: estimate };
}

/**
 * What the first transaction of `write` would need.
 *
 * @param write uses a chain made with `previewOnly`.
 * @throws ChainError as sending it would, if the contract would refuse.
 */
export async function previewOf(write: () => Promise<unknown>): Promise<Preview> {
  try {
    await write();
  } catch (error) {
    if (error instanceof Previewed) {
      return error.preview;
    }
    throw error;
  }
  throw new RangeError("nothing would be sent");
}
