import { DepinferError } from "@depinfer/protocol";
import { z } from "zod";

/** Codes of EIP-1193, EIP-1474 and EIP-3085, and what they mean for somebody who buys something. */
const KNOWN: ReadonlyMap<number, { readonly code: string; readonly message: string; readonly remedy: string }> =
  new Map([
    [
      4001,
      {
        code: "wallet.rejected",
        message: "You declined this in your wallet, so nothing was signed and nothing was spent",
        remedy: "Go on from this step whenever you like; the steps before it stay done",
      },
    ],
    [
      4100,
      {
        code: "wallet.unauthorized",
        message: "The wallet does not let this page use that account",
        remedy: "Connect the wallet again and choose the account there",
      },
    ],
    [
      4200,
      {
        code: "wallet.unsupported",
        message: "The wallet cannot do this",
        remedy: "Use another wallet, or the commands of depinfer",
      },
    ],
    [
      4900,
      {
        code: "wallet.offline",
        message: "The wallet has lost its connection to every chain",
        remedy: "Check the wallet's network, then go on from this step",
      },
    ],
    [
      4901,
      {
        code: "wallet.offline",
        message: "The wallet has lost its connection to this chain",
        remedy: "Check the wallet's network, then go on from this step",
      },
    ],
    [
      4902,
      {
        code: "wallet.unknownChain",
        message: "The wallet does not know this chain",
        remedy: "Add the chain to the wallet",
      },
    ],
    [
      -32002,
      {
        code: "wallet.busy",
        message: "The wallet already shows a request of this page",
        remedy: "Open the wallet and answer it there, then try again",
      },
    ],
  ]);

const faultSchema = z.object({
  code: z.union([z.number(), z.string()]).optional(),
  message: z.string().optional(),
  data: z.unknown().optional(),
});
/** Wallets put what the chain said into any of these. */
const dataSchema = z.union([
  z.string(),
  z.object({ data: z.string() }).transform(({ data }) => data),
  z.object({ originalError: z.object({ data: z.string() }) }).transform(({ originalError }) => originalError.data),
]);

const LONGEST = 300;

/** The code that a wallet gave, if it gave a number. */
export function faultCode(fault: unknown): number | null {
  const code = Number(faultSchema.safeParse(fault).data?.code ?? Number.NaN);
  return Number.isFinite(code) ? code : null;
}

/** The bytes with which a contract refused, or null. */
export function revertData(fault: unknown): `0x${string}` | null {
  const data = dataSchema.safeParse(faultSchema.safeParse(fault).data?.data).data ?? null;
  const hex = data === null ? null : (/0x(?:[0-9a-f]{2}){4,}$/i.exec(data)?.[0] ?? null);
  return hex === null ? null : `0x${hex.slice(2)}`;
}

/** What a wallet threw, as an error of ours in words. */
export function walletError(fault: unknown, method: string): DepinferError {
  if (fault instanceof DepinferError) {
    return fault;
  }
  const code = faultCode(fault);
  const said = (faultSchema.safeParse(fault).data?.message ?? String(fault)).slice(0, LONGEST);
  const metadata = { method, walletCode: code };
  const known = code === null ? undefined : KNOWN.get(code);
  if (known !== undefined) {
    return new DepinferError({ ...known, metadata, retryable: true, cause: fault });
  }
  // Nodes have no code of their own for it; all of them use these words (EIP-1474's -32000).
  if (/insufficient funds/i.test(said)) {
    return new DepinferError({
      code: "wallet.noGas",
      message: "The account has too little of the chain's own coin to pay for gas",
      remedy: "Send it some, then go on from this step",
      metadata,
      retryable: true,
      cause: fault,
    });
  }
  return new DepinferError({
    code: "wallet.failed",
    message: `The wallet refused ${method}: ${said}`,
    remedy: "Read what the wallet says, then go on from this step",
    metadata,
    retryable: true,
    cause: fault,
  });
}

/** The reader's chain is another one than the network's. */
export function wrongChain(chainId: number, wanted: number): DepinferError {
  return new DepinferError({
    code: "wallet.wrongChain",
    message: `The wallet is on chain ${chainId}, and this network is on chain ${wanted}`,
    remedy: "Switch the wallet to this network's chain, then go on from this step",
    metadata: { chainId, wanted },
    retryable: true,
  });
}

/** The wallet shows another account than the one that a deal was begun with. */
export function otherAccount(account: string): DepinferError {
  return new DepinferError({
    code: "wallet.otherAccount",
    message: `The wallet now uses another account than ${account}, which began this`,
    remedy: "Choose that account in the wallet again, then go on from this step",
    metadata: { account },
    retryable: true,
  });
}

/** Nothing is connected, or the account went away. */
export function notConnected(): DepinferError {
  return new DepinferError({
    code: "wallet.notConnected",
    message: "No wallet is connected",
    remedy: "Connect one above, then go on from this step",
    retryable: true,
  });
}
