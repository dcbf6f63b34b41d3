import { DepinferError, type Hex } from "@depinfer/protocol";
import { z } from "zod";
import type { ContractRead } from "./contracts.ts";
import { revertData, walletError } from "./errors.ts";
import type { WalletSession } from "./session.ts";

export interface Transaction {
  readonly to: Hex;
  readonly data: Hex;
}

/** What a transaction needs. */
export interface GasEstimate {
  readonly gas: bigint;
  /** Price of one gas in the smallest unit of the chain's coin; null where the wallet does not say. */
  readonly price: bigint | null;
}

export interface Mined {
  readonly hash: Hex;
  readonly gasUsed: bigint;
  readonly logs: readonly { readonly address: Hex; readonly topics: readonly Hex[]; readonly data: Hex }[];
}

/** The chain by way of the connected wallet. Everything throws DepinferError `wallet.*`. */
export interface ChainAccess {
  readonly account: Hex;
  readonly chainId: number;
  /** `pending` asks as if it were in the next block, whose time is now; `latest` as of the newest one. */
  read<Answer>(to: Hex, question: ContractRead<Answer>, block?: "latest" | "pending"): Promise<Answer>;
  /** Fails with what the contract would say. */
  estimate(transaction: Transaction): Promise<GasEstimate>;
  /** Has the reader sign and the wallet send it. */
  send(transaction: Transaction): Promise<Hex>;
  /** Waits until it is in a block. `wallet.pendingTooLong` may be waited for again. */
  wait(hash: Hex): Promise<Mined>;
  sign(typedData: string): Promise<Hex>;
}

export interface ChainAccessModules {
  readonly session: Pick<WalletSession, "ask">;
  /** Names a contract's refusal; `contracts.ts`. */
  readonly refusal: (data: Hex) => string | null;
  readonly sleep?: (milliseconds: number) => Promise<void>;
}

const POLL_MS = 500;
/** Longer than a slow block; a wallet's own screen can speed it up or cancel it from there. */
const PATIENCE_MS = 120_000;

const hexSchema = z
  .string()
  .regex(/^0x[0-9a-fA-F]*$/)
  .transform((text): Hex => `0x${text.slice(2).toLowerCase()}`);
const quantitySchema = z
  .string()
  .regex(/^0x[0-9a-fA-F]{1,64}$/)
  .transform(BigInt);
const receiptSchema = z
  .object({
    status: z.string(),
    gasUsed: quantitySchema,
    logs: z.array(z.object({ address: hexSchema, topics: z.array(hexSchema), data: hexSchema })),
  })
  .nullable();

export function createChainAccess(
  from: { readonly account: Hex; readonly chainId: number },
  {
    session,
    refusal,
    sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds)),
  }: ChainAccessModules,
): ChainAccess {
  const { account } = from;

  async function ask<Schema extends z.ZodType>(
    schema: Schema,
    method: string,
    params: readonly unknown[],
  ): Promise<z.output<Schema>> {
    let answer: unknown;
    try {
      answer = await session.ask(from, method, params);
    } catch (fault) {
      throw refused(fault, method);
    }
    const parsed = schema.safeParse(answer);
    if (!parsed.success) {
      throw walletError(new Error(`its answer to ${method} is not understood`), method);
    }
    return parsed.data;
  }

  /** A refusal of the contract behind a failure of the wallet, where there is one. */
  function refused(fault: unknown, method: string): DepinferError {
    const data = fault instanceof DepinferError ? revertData(fault.cause) : null;
    const said = data === null ? null : refusal(data);
    return said === null ? walletError(fault, method) : reverted(said, fault);
  }

  return {
    ...from,
    async read(to, { data, decode }, block = "latest") {
      const answer = await ask(hexSchema, "eth_call", [{ from: account, to, data }, block]);
      try {
        return decode(answer);
      } catch (cause) {
        throw new DepinferError({
          code: "wallet.noContract",
          message: `There is no contract of this network at ${to} on the wallet's chain`,
          remedy: "Check that the wallet's network is this one; two chains can share an id",
          metadata: { to, chainId: from.chainId },
          cause,
        });
      }
    },
    async estimate(transaction) {
      const gas = await ask(quantitySchema, "eth_estimateGas", [{ from: account, ...transaction }]);
      const price = await ask(quantitySchema, "eth_gasPrice", []).catch(() => null);
      return { gas, price };
    },
    send: (transaction) => ask(hexSchema, "eth_sendTransaction", [{ from: account, ...transaction }]),
    async wait(hash) {
      for (let waited = 0; waited <= PATIENCE_MS; waited += POLL_MS) {
        const receipt = await ask(receiptSchema, "eth_getTransactionReceipt", [hash]);
        if (receipt !== null) {
          if (BigInt(receipt.status) !== 1n) {
            throw reverted(`transaction ${hash}`, undefined);
          }
          return { hash, gasUsed: receipt.gasUsed, logs: receipt.logs };
        }
        await sleep(POLL_MS);
      }
      throw new DepinferError({
        code: "wallet.pendingTooLong",
        message: `Transaction ${hash} is in no block after ${PATIENCE_MS / 1_000} seconds`,
        remedy: "Speed it up or cancel it in your wallet; trying again here waits for it and sends nothing twice",
        metadata: { hash },
        retryable: true,
      });
    },
    sign: (typedData) => ask(hexSchema, "eth_signTypedData_v4", [account, typedData]),
  };
}

function reverted(said: string, cause: unknown): DepinferError {
  return new DepinferError({
    code: "wallet.reverted",
    message: `The contract refused: ${said}`,
    remedy: "Nothing but gas was spent. Look at the figures again, since they may have changed, then try again",
    metadata: { said },
    retryable: true,
    cause,
  });
}
