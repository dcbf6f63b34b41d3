import { addressSchema, type Hex } from "@depinfer/protocol";
import { indexerApi, type Provider, REPUTATION_FORMULA } from "@depinfer/protocol/api";
import { useMemo } from "react";
import { useEndpoint } from "../../api/use-endpoint.ts";
import { plotUsd } from "../../format/money.ts";
import { count, percent, plural, shortId } from "../../format/number.ts";
import { dateTime, duration } from "../../format/time.ts";
import { Badge, VerdictBadge } from "../../ui/badge.tsx";
import { ButtonLink } from "../../ui/button.tsx";
import { type Column, DataTable } from "../../ui/data-table.tsx";
import { Fact, Facts, Id, Money, Stat, Stats, useNow, When } from "../../ui/figures.tsx";
import { Columns, Page, Panel } from "../../ui/panel.tsx";
import { Plot } from "../../ui/plot.tsx";
import { Answered, Empty } from "../../ui/state.tsx";
import styles from "./market.module.css";

/** One provider: what it offers, how it has done, what it earned. */
export function ProviderPage({ provider }: { readonly provider: string }) {
  const parsed = addressSchema.safeParse(provider.toLowerCase());
  return (
    <Page
      title={`Provider ${shortId(provider.slice(0, 42))}`}
      actions={
        <ButtonLink to="/market?tab=providers" small kind="quiet">
          All providers
        </ButtonLink>
      }
    >
      {parsed.success ? (
        <Known provider={parsed.data} />
      ) : (
        <Empty title={`${provider.slice(0, 80)} is no account`}>
          <p>An account is 0x and 40 digits, as the list of providers shows it.</p>
        </Empty>
      )}
    </Page>
  );
}

function Known({ provider }: { readonly provider: Hex }) {
  const query = useEndpoint("indexer", indexerApi.provider, { params: { provider } });
  return (
    <Answered query={query} lines={10} what="the provider">
      {(found) => (
        <>
          <Summary found={found} />
          <Columns least="24rem">
            <Earnings provider={provider} />
            <Presence provider={provider} />
          </Columns>
          <Audits provider={provider} />
        </>
      )}
    </Answered>
  );
}

function Summary({ found }: { readonly found: Provider }) {
  const { latency, tokensPerSecond, audits, uptime, reputation, stake, slots, earned } = found;
  return (
    <Panel
      title="Record"
      actions={
        <span className={styles.row}>
          <Badge tone={found.online ? "proof" : "plain"} dot>
            {found.online ? "online" : "away"}
          </Badge>
          {found.adversary !== null && <Badge tone="fail">TEST ADVERSARY: {found.adversary.slice(0, 64)}</Badge>}
        </span>
      }
    >
      <Stats>
        <Stat label="Earned">
          <Money units={earned} />
        </Stat>
        <Stat label="Answers" note={plural(found.outputTokens, "token")}>
          {count(found.receipts)}
        </Stat>
        <Stat
          label="Uptime"
          explain="Share of the minutes of the last day, or since it was first seen, with a live offer."
        >
          {uptime === null ? "no data" : percent(uptime)}
        </Stat>
        <Stat
          label="Answer time"
          explain="Median of whole answers, by the provider's own clock, from receipts."
          note={latency === null ? undefined : `9 of 10 within ${duration(latency.p90Ms)}`}
        >
          {latency === null ? "no data" : duration(latency.p50Ms)}
        </Stat>
        <Stat label="Speed" note="tokens per second">
          {tokensPerSecond === null ? "no data" : tokensPerSecond.toFixed(0)}
        </Stat>
        <Stat label="Audits" explain="Passed, inconclusive, failed." note={plural(found.mismatches, "mismatch")}>
          {count(audits.pass)} · {count(audits.inconclusive)} · {count(audits.fail)}
        </Stat>
        <Stat label="Reputation" explain={REPUTATION_FORMULA}>
          {reputation === null ? "no data" : reputation.toFixed(2)}
        </Stat>
        <Stat label="Stake" note={`covers ${plural(slots, "slot")}`}>
          <Money units={stake} />
        </Stat>
      </Stats>
      <Facts>
        <Fact label="Account">
          <Id id={found.provider} whole to={`/explorer/provider/${found.provider}`} />
        </Fact>
        <Fact label="Signs with" explain="The registered key whose signature its receipts have to bear.">
          {found.receiptKey === null ? "nothing registered" : <Id id={found.receiptKey} />}
        </Fact>
        <Fact label="Models">
          {found.models.length === 0 ? "none at present" : found.models.join(", ").slice(0, 300)}
        </Fact>
        <Fact label="Region" explain="Declared, not proven.">
          {found.regions.join(", ").slice(0, 200) || "not told"}
        </Fact>
        <Fact label="Since">{found.since === null ? "unknown" : dateTime(found.since)}</Fact>
        <Fact label="Disputes lost">{count(found.disputesLost)}</Fact>
      </Facts>
      <div className={styles.row}>
        <ButtonLink to={`/proofs?tab=evidence&provider=${found.provider}`} icon="proofs" small>
          Sequential test
        </ButtonLink>
        <ButtonLink to={`/market?tab=offers`} small>
          Offers
        </ButtonLink>
      </div>
    </Panel>
  );
}

const DAY = 86_400_000;
const BUCKET = 1_800;

function Earnings({ provider }: { readonly provider: Hex }) {
  const now = useNow();
  const until = Math.ceil(now / (BUCKET * 1_000)) * BUCKET * 1_000;
  const query = useEndpoint("indexer", indexerApi.earnings, {
    params: { provider },
    query: { bucket: BUCKET, since: until - DAY, until },
  });
  const points = query.data?.points;
  const { x, values } = useMemo(
    () => ({
      x: (points ?? []).map(({ at }) => at),
      values: (points ?? []).map(({ value }) => plotUsd(BigInt(Math.round(value)))),
    }),
    [points],
  );
  return (
    <Panel title="Earnings" note="claimed in the last day, half hours">
      <Answered query={query} lines={6} what="earnings">
        {() => (
          <Plot
            label="Dollars claimed in each half hour"
            time
            x={x}
            series={[{ label: "claimed", values, look: "step", colour: "--series-3" }]}
            formatY={(value) => `$${value.toPrecision(2)}`}
          />
        )}
      </Answered>
    </Panel>
  );
}

function Presence({ provider }: { readonly provider: Hex }) {
  const query = useEndpoint("indexer", indexerApi.presence, { params: { provider } });
  const minutes = query.data?.data;
  const { x, values } = useMemo(
    () => ({ x: (minutes ?? []).map(({ at }) => at), values: (minutes ?? []).map(({ online }) => Number(online)) }),
    [minutes],
  );
  return (
    <Panel title="Presence" note="minutes with a live offer">
      <Answered query={query} lines={6} what="presence">
        {() =>
          x.length === 0 ? (
            <Empty title="No minute was looked at yet" />
          ) : (
            <Plot
              label="Whether it had a live offer, by minute"
              time
              x={x}
              series={[{ label: "online", values, look: "step" }]}
              rangeY={[0, 1.05]}
              formatY={(value) => (value === 1 ? "online" : value === 0 ? "away" : "")}
            />
          )
        }
      </Answered>
    </Panel>
  );
}

type Row = {
  readonly receiptId: string;
  readonly verdict: string;
  readonly tokens: number;
  readonly mismatches: number;
  readonly at: number | null;
};

const AUDIT_COLUMNS: readonly Column<Row>[] = [
  {
    key: "receipt",
    title: "Receipt",
    render: ({ receiptId }) => <Id id={receiptId} to={`/explorer/receipt/${receiptId}`} />,
  },
  {
    key: "verdict",
    title: "Verdict",
    sort: ({ verdict }) => verdict,
    render: ({ verdict }) => <VerdictBadge verdict={verdict} />,
  },
  {
    key: "tokens",
    title: "Informative tokens",
    end: true,
    sort: ({ tokens }) => tokens,
    render: ({ tokens }) => count(tokens),
  },
  {
    key: "mismatches",
    title: "Mismatches",
    end: true,
    sort: ({ mismatches }) => mismatches,
    render: ({ mismatches }) => count(mismatches),
  },
  {
    key: "at",
    title: "When",
    end: true,
    sort: ({ at }) => at,
    render: ({ at }) => (at === null ? "unknown" : <When at={at} />),
  },
];

function Audits({ provider }: { readonly provider: Hex }) {
  const query = useEndpoint("indexer", indexerApi.audits, { query: { provider, limit: 1_000 } });
  return (
    <Panel title="Audits" explain="Which receipts are audited is drawn after the provider committed to all of them.">
      <Answered query={query} lines={6} what="audits">
        {({ data }) =>
          data.length === 0 ? (
            <Empty title="Nothing of it was audited yet">
              <p> Few receipts are drawn, and only once their epoch is posted. </p>
            </Empty>
          ) : (
            <DataTable
              name="audits"
              label="Audits"
              columns={AUDIT_COLUMNS}
              rows={data}
              rowKey={({ receiptId }) => receiptId}
              height="24rem"
            />
          )
        }
      </Answered>
    </Panel>
  );
}
