import { useQuery } from "@tanstack/react-query";
import { Badge } from "../../../ui/badge.tsx";
import { Button } from "../../../ui/button.tsx";
import { Fact, Facts, Id, Money } from "../../../ui/figures.tsx";
import { Panel } from "../../../ui/panel.tsx";
import { Empty, Failure } from "../../../ui/state.tsx";
import styles from "../money.module.css";
import { forgetWallet, useContracts, useNetworkChain, useTrade, useWallet } from "./use-wallet.tsx";

const BALANCE_MS = 5_000;

/** Connects a wallet, and says which one it is and whether it is on the right chain. */
export function WalletPanel() {
  const { state, session, choices } = useWallet();
  const { fault: contractsFault, contracts } = useContracts();
  return (
    <Panel
      title="Wallet"
      explain="Passes are bought and owned by a wallet, not by this page. It asks for each signature with what it does and costs; keys never come here."
      note={state.status === "connected" && state.wallet.test ? <Badge tone="unsure">TEST money</Badge> : undefined}
      actions={
        state.status === "connected" ? (
          <Button small kind="quiet" onClick={() => forgetWallet(session)}>
            Disconnect
          </Button>
        ) : undefined
      }
    >
      {contractsFault !== null && <Failure error={contractsFault} />}
      {state.status === "connected" ? (
        <Connected />
      ) : choices.length === 0 ? (
        <Empty title="No wallet was found">
          <span>
            This browser has none that announces itself (EIP-6963), and this page comes without a local test network.
            Install a wallet extension, or buy with <code>npx depinfer pass buy</code>.
          </span>
        </Empty>
      ) : (
        <>
          <div className={styles.actions}>
            {choices.map((wallet) => (
              <Button
                key={wallet.id}
                kind={wallet.test ? "primary" : "plain"}
                disabled={contracts === null || (state.status === "connecting" && state.wallet.id === wallet.id)}
                onClick={() => void session.connect(wallet)}
              >
                {state.status === "connecting" && state.wallet.id === wallet.id
                  ? `Waiting for ${wallet.name}…`
                  : `Connect ${wallet.name}`}
              </Button>
            ))}
          </div>
          {choices.some(({ test }) => test) && (
            <p className={styles.small}>
              The TEST wallet belongs to this local network. Its dollars are worth nothing, and it signs at once without
              a second question.
            </p>
          )}
        </>
      )}
      {state.status === "none" && state.fault !== null && <Failure error={state.fault} />}
    </Panel>
  );
}

function Connected() {
  const { state, session } = useWallet();
  const chain = useNetworkChain();
  const trade = useTrade();
  const balance = useQuery({
    queryKey: ["wallet balance", trade?.access.account ?? null],
    queryFn: async () =>
      trade === null
        ? null
        : trade.access.read(trade.contracts.testUsd, trade.encoding.read.balanceOf(trade.access.account)),
    enabled: trade !== null,
    refetchInterval: BALANCE_MS,
  });
  if (state.status !== "connected") {
    return null;
  }
  const right = chain !== null && state.chainId === chain.chainId;
  return (
    <>
      <Facts>
        <Fact label="Wallet">
          {state.wallet.name} {state.wallet.test && <Badge tone="unsure">TEST</Badge>}
        </Fact>
        <Fact label="Account">
          <Id id={state.account} to={`/explorer/account/${state.account}`} />
        </Fact>
        <Fact label="Chain">
          {state.chainId} {right ? <Badge tone="proof">this network</Badge> : <Badge tone="fail">another chain</Badge>}
        </Fact>
        <Fact label="Dollars">
          {typeof balance.data === "bigint" ? <Money units={balance.data} /> : right ? "…" : "unknown on that chain"}
        </Fact>
      </Facts>
      {balance.error !== null && <Failure error={balance.error} retry={() => void balance.refetch()} />}
      {!right && chain !== null && (
        <div className={styles.actions} role="status">
          <span>This network is on chain {chain.chainId}; nothing is signed on another one.</span>
          <Button small kind="primary" onClick={() => void session.switchChain(chain)}>
            Switch to chain {chain.chainId}
          </Button>
        </div>
      )}
      {state.fault !== null && <Failure error={state.fault} />}
    </>
  );
}
