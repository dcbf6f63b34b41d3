import { gatewayApi, type PassUseTerms } from "@depinfer/protocol/api";
import { useState } from "react";
import { useConnection } from "../../../api/connection.tsx";
import { useEndpoint } from "../../../api/use-endpoint.ts";
import { Money } from "../../../ui/figures.tsx";
import { Columns } from "../../../ui/panel.tsx";
import styles from "../money.module.css";
import { useTrade, useWallet } from "../wallet/use-wallet.tsx";
import { WalletPanel } from "../wallet/wallet-panel.tsx";
import { shrinksPerHour } from "./arithmetic.ts";
import { BoundPassPanel } from "./bound-pass.tsx";
import { createFlow, type Flow } from "./flow.ts";
import { FlowView } from "./flow-view.tsx";
import { type HeldPass, HeldPasses, type PassDeal, useHeldPasses } from "./held-passes.tsx";
import { buyPlan, cancelPlan, refundPlan, renewPlan, type Trade, usagePlan } from "./plans.ts";
import { type ListedTier, TiersPanel } from "./tiers.tsx";

interface Deal {
  readonly title: string;
  readonly flow: Flow;
  /** The pass that is cancelled; its refund is shown first. */
  readonly cancels: bigint | null;
}

/** Buying, using, renewing and ending passes. */
export function PassesView() {
  const { state } = useWallet();
  const { has } = useConnection();
  const trade = useTrade();
  const held = useHeldPasses(trade);
  const bound = useEndpoint("gateway", gatewayApi.pass, { enabled: has("gateway") });
  const [deal, setDeal] = useState<Deal | null>(null);
  const use = bound.data?.use ?? null;
  const test = state.status === "connected" && state.wallet.test;
  const blocked = whyBlocked(trade, use, deal !== null);

  const cancelled = held.data?.find(({ id }) => id === deal?.cancels);

  return (
    <div className={styles.stack}>
      <Columns least="24rem">
        <WalletPanel />
        <BoundPassPanel />
      </Columns>
      {deal !== null && (
        <FlowView
          key={deal.title}
          title={deal.title}
          flow={deal.flow}
          test={test}
          danger={deal.cancels !== null}
          onClose={() => setDeal(null)}
        >
          {cancelled !== undefined && <RefundFirst pass={cancelled} />}
        </FlowView>
      )}
      {trade !== null && (
        <HeldPasses
          query={held}
          bound={bound.data?.pass?.id ?? null}
          operator={use?.operator ?? null}
          busy={deal !== null}
          onDeal={(kind, pass) => {
            const made = dealOf(kind, pass, trade, { use, isBound: bound.data?.pass?.id === pass.id });
            if (made !== null) {
              setDeal(made);
            }
          }}
        />
      )}
      <TiersPanel
        blocked={blocked}
        onBuy={(tier) => {
          if (trade !== null && use !== null) {
            setDeal(buyDeal(tier, trade, use));
          }
        }}
      />
    </div>
  );
}

function whyBlocked(trade: Trade | null, use: PassUseTerms | null, busy: boolean): string | null {
  if (busy) {
    return "finish what is open first";
  }
  if (trade === null) {
    return "connect a wallet on this network's chain to buy";
  }
  return use === null ? "the gateway does not say what a pass has to name" : null;
}

function buyDeal(tier: ListedTier, trade: Trade, use: PassUseTerms): Deal {
  const plan = buyPlan(trade, { id: BigInt(tier.id), price: tier.price }, use);
  return { title: `Buy tier ${tier.id}`, flow: createFlow(trade.access, plan), cancels: null };
}

function dealOf(
  kind: PassDeal,
  pass: HeldPass,
  trade: Trade,
  { use, isBound }: { readonly use: PassUseTerms | null; readonly isBound: boolean },
): Deal | null {
  const flowOf = (plan: Parameters<typeof createFlow>[1]) => createFlow(trade.access, plan);
  const { id, channels } = pass;
  switch (kind) {
    case "use": {
      if (use === null) {
        return null;
      }
      const named = pass.operator.toLowerCase() === use.operator && pass.signer.toLowerCase() === use.signer;
      return { title: `Use pass ${id}`, flow: flowOf(usagePlan(trade, id, use, named)), cancels: null };
    }
    case "renew":
      return { title: `Renew pass ${id}`, flow: flowOf(renewPlan(trade, id, pass.price)), cancels: null };
    case "cancel":
      return {
        title: `Cancel pass ${id}`,
        flow: flowOf(cancelPlan(trade, id, { channels, bound: isBound })),
        cancels: id,
      };
    case "refund":
      return { title: `Refund of pass ${id}`, flow: flowOf(refundPlan(trade, id, channels)), cancels: null };
    default:
      return null;
  }
}

/** What comes back, before anything is signed. */
function RefundFirst({ pass }: { readonly pass: HeldPass }) {
  if (pass.endedAt !== 0) {
    return null;
  }
  return (
    <div className={styles.refund} data-testid="refund">
      <span>If you cancel in the next block, this comes back:</span>
      <span className={styles.price}>
        <Money units={pass.refundable} />
      </span>
      <span className={styles.small}>
        Read from the contract just now, to the unit. It shrinks each second, by <Money units={shrinksPerHour(pass)} />{" "}
        an hour while the pass is unused.{" "}
        {pass.channels > 0 && (
          <>
            <Money units={pass.funded} /> are in {pass.channels} channel{pass.channels === 1 ? "" : "s"} with providers:
            what they were not promised comes back after the channel's notice and can add to this.
          </>
        )}
      </span>
    </div>
  );
}
