import type { DepinferError, Hex } from "@depinfer/protocol";
import { z } from "zod";
import { faultCode, notConnected, otherAccount, walletError, wrongChain } from "./errors.ts";
import type { WalletChoice } from "./provider.ts";

/** Where the connection to a wallet stands. `fault` is why the last attempt, or the connection, ended. */
export type WalletState =
  | { readonly status: "none"; readonly fault: DepinferError | null }
  | { readonly status: "connecting"; readonly wallet: WalletChoice }
  | {
      readonly status: "connected";
      readonly wallet: WalletChoice;
      /** Lower case. */
      readonly account: Hex;
      readonly chainId: number;
      readonly fault: DepinferError | null;
    };

/** A chain as wallets are told of it (EIP-3085). */
export interface WalletChain {
  readonly chainId: number;
  readonly name: string;
  /** Null where the page does not know one; an unknown chain cannot be added then. */
  readonly rpcUrl: string | null;
}

export interface WalletSession {
  state(): WalletState;
  subscribe(listener: () => void): () => void;
  /** Asks the reader's wallet for its account. Ends in `connected`, or in `none` with the fault. */
  connect(wallet: WalletChoice): Promise<void>;
  /** The same without asking: connects only to a wallet that allowed it before. */
  resume(wallet: WalletChoice): Promise<void>;
  disconnect(): void;
  /** Asks the wallet to use a chain, and to add it where it does not know it. What goes wrong stands in `fault`. */
  switchChain(chain: WalletChain): Promise<void>;
  /**
   * Asks the connected wallet, which has to be on `chainId` and still have `account`.
   *
   * @throws DepinferError `wallet.*`.
   */
  ask(
    from: { readonly account: Hex; readonly chainId: number },
    method: string,
    params: readonly unknown[],
  ): Promise<unknown>;
}

const accountsSchema = z.array(
  z
    .string()
    .regex(/^0x[0-9a-fA-F]{40}$/)
    .transform((text): Hex => `0x${text.slice(2).toLowerCase()}`),
);
const chainSchema = z
  .union([z.string().regex(/^(0x[0-9a-fA-F]{1,12}|\d{1,15})$/), z.int().positive()])
  .transform(Number);
const UNKNOWN_CHAIN = 4902;

export function createWalletSession(): WalletSession {
  let state: WalletState = { status: "none", fault: null };
  let unwatch = () => {};
  const listeners = new Set<() => void>();

  function set(next: WalletState): void {
    state = next;
    for (const listener of listeners) {
      listener();
    }
  }

  function end(fault: DepinferError | null): void {
    unwatch();
    unwatch = () => {};
    set({ status: "none", fault });
  }

  /** What the wallet says by itself: another account, another chain, gone. */
  function watch(wallet: WalletChoice): () => void {
    const { provider } = wallet;
    const handlers: readonly (readonly [string, (value: unknown) => void])[] = [
      [
        "accountsChanged",
        (value) => {
          const [account] = accountsSchema.safeParse(value).data ?? [];
          if (account === undefined) {
            end(null);
          } else if (state.status === "connected") {
            set({ ...state, account });
          }
        },
      ],
      [
        "chainChanged",
        (value) => {
          const chainId = chainSchema.safeParse(value).data;
          if (chainId !== undefined && state.status === "connected") {
            set({ ...state, chainId, fault: null });
          }
        },
      ],
      ["disconnect", (value) => end(walletError(value, "disconnect"))],
    ];
    for (const [event, handler] of handlers) {
      provider.on?.(event, handler);
    }
    return () => {
      for (const [event, handler] of handlers) {
        provider.removeListener?.(event, handler);
      }
    };
  }

  async function open(wallet: WalletChoice, method: "eth_requestAccounts" | "eth_accounts"): Promise<void> {
    end(null);
    set({ status: "connecting", wallet });
    const isStill = () => state.status === "connecting" && state.wallet.id === wallet.id;
    try {
      const [account] = accountsSchema.parse(await wallet.provider.request({ method }));
      const chainId = chainSchema.parse(await wallet.provider.request({ method: "eth_chainId" }));
      // The reader may have chosen another one meanwhile.
      if (!isStill()) {
        return;
      }
      if (account === undefined) {
        end(method === "eth_accounts" ? null : notConnected());
        return;
      }
      unwatch = watch(wallet);
      set({ status: "connected", wallet, account, chainId, fault: null });
    } catch (fault) {
      if (isStill()) {
        end(walletError(fault, method));
      }
    }
  }

  return {
    state: () => state,
    subscribe(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    connect: (wallet) => open(wallet, "eth_requestAccounts"),
    resume: (wallet) => open(wallet, "eth_accounts"),
    disconnect: () => end(null),
    async switchChain({ chainId, name, rpcUrl }) {
      if (state.status !== "connected") {
        return;
      }
      const { provider } = state.wallet;
      const hex = `0x${chainId.toString(16)}`;
      try {
        await provider
          .request({ method: "wallet_switchEthereumChain", params: [{ chainId: hex }] })
          .catch(async (fault: unknown) => {
            if (faultCode(fault) !== UNKNOWN_CHAIN || rpcUrl === null) {
              throw fault;
            }
            const nativeCurrency = { name: "Ether", symbol: "ETH", decimals: 18 };
            const params = [{ chainId: hex, chainName: name, rpcUrls: [rpcUrl], nativeCurrency }];
            await provider.request({ method: "wallet_addEthereumChain", params });
          });
        // Some wallets tell of the change only later, and some not at all.
        const now = chainSchema.parse(await provider.request({ method: "eth_chainId" }));
        if (state.status === "connected") {
          set({ ...state, chainId: now, fault: now === chainId ? null : wrongChain(now, chainId) });
        }
      } catch (fault) {
        if (state.status === "connected") {
          set({ ...state, fault: walletError(fault, "wallet_switchEthereumChain") });
        }
      }
    },
    async ask(from, method, params) {
      if (state.status !== "connected") {
        throw notConnected();
      }
      if (state.account !== from.account) {
        throw otherAccount(from.account);
      }
      if (state.chainId !== from.chainId) {
        throw wrongChain(state.chainId, from.chainId);
      }
      try {
        return await state.wallet.provider.request({ method, params });
      } catch (fault) {
        throw walletError(fault, method);
      }
    },
  };
}
