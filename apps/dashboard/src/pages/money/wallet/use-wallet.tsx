import type { Hex } from "@depinfer/protocol";
import { gatewayApi, indexerApi } from "@depinfer/protocol/api";
import { useQuery } from "@tanstack/react-query";
import { createContext, type ReactNode, use, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { useConnection } from "../../../api/connection.tsx";
import { useEndpoint } from "../../../api/use-endpoint.ts";
import type { Trade } from "../passes/plans.ts";
import { createChainAccess } from "./access.ts";
import { agreedContracts, type MoneyContracts } from "./contract-addresses.ts";
import { watchInjected } from "./discover.ts";
import type { WalletChoice } from "./provider.ts";
import { createWalletSession, type WalletChain, type WalletSession, type WalletState } from "./session.ts";
import { createTestWallet } from "./test-wallet.ts";

interface WalletContextValue {
  readonly session: WalletSession;
  readonly state: WalletState;
  readonly choices: readonly WalletChoice[];
}

/** Which wallet was connected last, so that coming back connects it again without asking. */
const STORE = "depinfer.wallet";
const WalletContext = createContext<WalletContextValue | null>(null);

export function WalletProvider({ children }: { readonly children: ReactNode }) {
  const connection = useConnection();
  const [session] = useState(createWalletSession);
  const [injected, setInjected] = useState<readonly WalletChoice[]>([]);
  const state = useSyncExternalStore(session.subscribe, session.state);
  useEffect(() => watchInjected(setInjected), []);
  const choices = useMemo(() => {
    const withTest = connection.config.testWallet && connection.has("console");
    return [...(withTest ? [createTestWallet(connection.server("console"))] : []), ...injected];
  }, [connection, injected]);

  useEffect(() => {
    const known = choices.find(({ id }) => id === localStorage.getItem(STORE));
    if (known !== undefined && session.state().status === "none") {
      void session.resume(known);
    }
  }, [choices, session]);
  useEffect(() => {
    if (state.status === "connected") {
      localStorage.setItem(STORE, state.wallet.id);
    }
  }, [state]);

  const value = useMemo(() => ({ session, state, choices }), [session, state, choices]);
  return <WalletContext value={value}>{children}</WalletContext>;
}

/** Forgets which wallet it was; it is not connected by itself next time. */
export function forgetWallet(session: WalletSession): void {
  localStorage.removeItem(STORE);
  session.disconnect();
}

export function useWallet(): WalletContextValue {
  const value = use(WalletContext);
  if (value === null) {
    throw new Error("useWallet stands outside of WalletProvider");
  }
  return value;
}

/** The network's chain as wallets are told of it; null while nobody has said which one it is. */
export function useNetworkChain(): WalletChain | null {
  const { config, has } = useConnection();
  const overview = useEndpoint("indexer", indexerApi.overview, { enabled: has("indexer") });
  const chainId = config.chainId ?? overview.data?.chainId;
  if (chainId === undefined || chainId === null) {
    return null;
  }
  const name = config.testMoney ? `Depinfer test network ${chainId}` : `Chain ${chainId}`;
  return { chainId, name, rpcUrl: config.rpcUrl ?? null };
}

/** The contracts that page, indexer and gateway agree on, or why there are none. */
export function useContracts(): {
  readonly contracts: MoneyContracts | null;
  readonly fault: unknown;
  readonly asking: boolean;
} {
  const { config, has } = useConnection();
  const overview = useEndpoint("indexer", indexerApi.overview, { enabled: has("indexer") });
  const pass = useEndpoint("gateway", gatewayApi.pass, { enabled: has("gateway") });
  const indexer = overview.data?.contracts;
  const gateway: Hex | null = pass.data?.use.contract ?? null;
  return useMemo(() => {
    if (indexer === undefined && overview.isLoading) {
      return { contracts: null, fault: null, asking: true };
    }
    try {
      return { contracts: agreedContracts(config.contracts, indexer, gateway), fault: null, asking: false };
    } catch (fault) {
      return { contracts: null, fault: overview.error ?? fault, asking: false };
    }
  }, [config.contracts, indexer, gateway, overview.isLoading, overview.error]);
}

/** Everything that deals with passes need, once a wallet is connected to the right chain; null before. */
export function useTrade(): Trade | null {
  const connection = useConnection();
  const { session, state } = useWallet();
  const chain = useNetworkChain();
  const { contracts } = useContracts();
  const account = state.status === "connected" ? state.account : null;
  const chainId = state.status === "connected" && state.chainId === chain?.chainId ? state.chainId : null;
  const { data: encoding } = useQuery({
    queryKey: ["wallet encoding"],
    queryFn: () => import("./contracts.ts"),
    enabled: account !== null,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return useMemo(
    () =>
      account === null || chainId === null || contracts === null || encoding === undefined || !connection.has("gateway")
        ? null
        : {
            access: createChainAccess({ account, chainId }, { session, refusal: encoding.contractRefusal }),
            contracts,
            encoding,
            gateway: connection.server("gateway"),
          },
    [account, chainId, contracts, encoding, connection, session],
  );
}
