import type { Deployment, Signer } from "@depinfer/chain";
import { createEvmAccount, type EvmAccount } from "@depinfer/chain/evm-account";
import { errorMessage, type Hex, type Log } from "@depinfer/protocol";
import { WALLET_METHODS } from "@depinfer/protocol/api";
import { z } from "zod";
import { invalidParams, RPC_CODES, WalletRpcError } from "./rpc-error.ts";

/** A wallet as pages know them (EIP-1193), whose money is test money. */
export interface TestWallet {
  /** @throws WalletRpcError or DepinferError; nothing was signed then, unless the transaction itself failed. */
  request(method: string, params: unknown): Promise<unknown>;
}

export interface TestWalletModules {
  readonly rpcUrl: string;
  readonly deployment: Deployment;
  readonly account: Signer;
  readonly log: Log;
}

const hexText = z.string().regex(/^0x[0-9a-fA-F]*$/);
const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/)
  .transform((text): Hex => `0x${text.slice(2).toLowerCase()}`);
const transaction = z.looseObject({
  from: address.optional(),
  to: address,
  data: hexText.max(65_538).optional(),
  input: hexText.max(65_538).optional(),
  value: hexText.optional(),
  chainId: hexText.optional(),
});
const typedData = z.object({
  types: z.record(z.string(), z.array(z.object({ name: z.string(), type: z.string() })).max(64)),
  primaryType: z.string(),
  domain: z.looseObject({
    chainId: z.union([z.number(), z.string().regex(/^(0x[0-9a-fA-F]{1,16}|\d{1,18})$/)]),
    verifyingContract: address,
  }),
  message: z.record(z.string(), z.json()),
});

/** Signs for one account, and only what concerns the contracts of one deployment. */
export function createTestWallet({ rpcUrl, deployment, account, log }: TestWalletModules): TestWallet {
  const evm: EvmAccount = createEvmAccount({ rpcUrl, deployment, account });
  const contracts: readonly string[] = Object.values(deployment.addresses);
  const chainId = `0x${deployment.chainId.toString(16)}`;

  function requireOwn(from: string | undefined): void {
    if (from !== undefined && from !== account.address) {
      throw new WalletRpcError(RPC_CODES.unauthorized, `This wallet has the account ${account.address} and no other`);
    }
  }

  function requireContract(to: string): void {
    if (!contracts.includes(to)) {
      throw invalidParams(`The test wallet uses the contracts of its network, and ${to} is none of them`);
    }
  }

  function requireChain(given: number | string | undefined): void {
    if (given !== undefined && BigInt(given) !== BigInt(deployment.chainId)) {
      throw invalidParams(`This wallet is on chain ${deployment.chainId}, not on ${given}`);
    }
  }

  async function sendTransaction(params: unknown): Promise<Hex> {
    const [asked] = parsed(z.tuple([transaction]).rest(z.unknown()), params);
    requireOwn(asked.from);
    requireContract(asked.to);
    requireChain(asked.chainId);
    if (asked.value !== undefined && BigInt(asked.value === "0x" ? 0 : asked.value) !== 0n) {
      throw invalidParams("The contracts take test dollars, so that value has to be zero");
    }
    const data = asked.data ?? asked.input ?? "0x";
    return evm.sendTransaction({ to: asked.to, data: `0x${data.slice(2)}` });
  }

  async function signTypedData(params: unknown): Promise<Hex> {
    const [from, given] = parsed(z.tuple([address, z.union([z.string().max(65_536), z.looseObject({})])]), params);
    requireOwn(from);
    const message = parsed(typedData, typeof given === "string" ? jsonOf(given) : given);
    requireChain(message.domain.chainId);
    requireContract(message.domain.verifyingContract);
    try {
      return await evm.signTypedData(message);
    } catch (error) {
      throw invalidParams(`The message cannot be encoded by its types: ${errorMessage(error).slice(0, 300)}`);
    }
  }

  async function forward(method: string, params: unknown): Promise<unknown> {
    const response = await fetch(rpcUrl, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: params ?? [] }),
      signal: AbortSignal.timeout(FORWARD_MS),
    }).catch((error: unknown) => {
      log("warn", `the chain does not answer: ${errorMessage(error)}`);
      throw new WalletRpcError(RPC_CODES.internal, "The chain does not answer");
    });
    const { result, error } = rpcAnswer.parse(await response.json());
    if (error !== undefined) {
      throw new WalletRpcError(error.code, error.message, error.data);
    }
    return result ?? null;
  }

  return {
    async request(method, params) {
      const known = WALLET_METHODS.find((one) => one === method);
      switch (known) {
        case undefined:
          throw new WalletRpcError(RPC_CODES.unsupported, `The test wallet knows ${WALLET_METHODS.join(", ")}`);
        case "eth_chainId":
          return chainId;
        case "eth_accounts":
        case "eth_requestAccounts":
          return [account.address];
        case "eth_sendTransaction":
          return sendTransaction(params);
        case "eth_signTypedData_v4":
          return signTypedData(params);
        default:
          // What is only read is answered by the chain itself, as it stands.
          return forward(known, params);
      }
    },
  };
}

const FORWARD_MS = 10_000;

const rpcAnswer = z.object({
  result: z.json().optional(),
  error: z.object({ code: z.int(), message: z.string(), data: z.json().optional() }).optional(),
});

function parsed<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (!result.success) {
    throw invalidParams(z.prettifyError(result.error).slice(0, 500));
  }
  return result.data;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalidParams("The typed data are not JSON");
  }
}
