import { indexerApi } from "@depinfer/protocol/api";
import type { z } from "zod";
import { useEndpoint } from "../../../api/use-endpoint.ts";
import { usd } from "../../../format/money.ts";
import { compact, count } from "../../../format/number.ts";
import { duration } from "../../../format/time.ts";
import { Button } from "../../../ui/button.tsx";
import { Fact, Facts, Id, Money } from "../../../ui/figures.tsx";
import { Panel } from "../../../ui/panel.tsx";
import { Answered, Empty } from "../../../ui/state.tsx";
import styles from "../money.module.css";
import { pricePerMillion, providersPerMillion } from "./arithmetic.ts";

export type ListedTier = z.output<typeof indexerApi.tiers.answer>["data"][number];

/** What is on sale, with what a token of it costs. */
export function TiersPanel({
  onBuy,
  blocked,
}: {
  readonly onBuy: (tier: ListedTier) => void;
  /** Why nothing can be bought now, or null. */
  readonly blocked: string | null;
}) {
  const query = useEndpoint("indexer", indexerApi.tiers);
  return (
    <Panel
      title="Passes on sale"
      explain="A pass is a period and a quota of tokens, paid ahead into a contract that nobody owns. Its terms are fixed for ever when it is put up. The unused part of the time comes back when you cancel."
      note={blocked ?? undefined}
    >
      <Answered query={query} lines={6} what="what is on sale">
        {({ data }) =>
          data.length === 0 ? (
            <Empty title="Nothing is on sale">
              <span>
                Anybody may offer a tier, usually whoever runs a gateway: <code>npx depinfer pass sell</code>.
              </span>
            </Empty>
          ) : (
            <div className={styles.cards}>
              {data.map((tier) => (
                <TierCard key={tier.id} tier={tier} blocked={blocked !== null} onBuy={() => onBuy(tier)} />
              ))}
            </div>
          )
        }
      </Answered>
    </Panel>
  );
}

function TierCard({
  tier,
  blocked,
  onBuy,
}: {
  readonly tier: ListedTier;
  readonly blocked: boolean;
  readonly onBuy: () => void;
}) {
  const { id, price, periodSeconds, issuer, sold } = tier;
  const quota = BigInt(tier.quota);
  const all = pricePerMillion({ price, quota });
  return (
    <article className={styles.card}>
      <h3>Tier {id.slice(0, 40)}</h3>
      <p className={styles.price}>
        <Money units={price} /> <span className={styles.small}>for {duration(periodSeconds * 1_000)}</span>
      </p>
      <Facts>
        <Fact label="Tokens">
          <span title={count(quota)}>{compact(quota)}</span>, input and output alike
        </Fact>
        <Fact
          label="Per token"
          explain={`${usd(price)} ÷ ${count(quota)} tokens, if you use all of them. Using half of them makes each twice as dear, less what a cancellation gives back.`}
        >
          <Money units={all} /> / 1M if all are used
        </Fact>
        <Fact label="For providers" explain="The same without the fee of 5 %, which the contract fixes.">
          <Money units={providersPerMillion({ price, quota })} /> / 1M
        </Fact>
        <Fact label="Issuer">
          {issuer === null ? "unknown" : <Id id={issuer} to={`/explorer/account/${issuer}`} />}
        </Fact>
        <Fact label="Sold">{count(sold)}</Fact>
      </Facts>
      <Button kind="primary" icon="money" disabled={blocked} onClick={onBuy}>
        Buy for {usd(price)}
      </Button>
    </article>
  );
}
