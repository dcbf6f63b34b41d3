import { indexerApi, type Provider, REPUTATION_FORMULA } from "@depinfer/protocol/api";
import { Link } from "react-router";
import { useEndpoint } from "../../api/use-endpoint.ts";
import { usd } from "../../format/money.ts";
import { count, percent, shortId } from "../../format/number.ts";
import { duration } from "../../format/time.ts";
import { Badge } from "../../ui/badge.tsx";
import { type Column, DataTable } from "../../ui/data-table.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Answered, Empty } from "../../ui/state.tsx";

const MOST = 1_000;

const COLUMNS: readonly Column<Provider>[] = [
  {
    key: "provider",
    title: "Provider",
    width: "minmax(9rem, 1.3fr)",
    sort: ({ provider }) => provider,
    render: ({ provider }) => <Link to={`/market/providers/${provider}`}>{shortId(provider)}</Link>,
  },
  {
    key: "state",
    title: "State",
    sort: ({ online }) => Number(online),
    render: ({ online, adversary }) =>
      adversary === null ? (
        <Badge tone={online ? "proof" : "plain"} dot>
          {online ? "online" : "away"}
        </Badge>
      ) : (
        <Badge tone="fail">test adversary</Badge>
      ),
  },
  {
    key: "uptime",
    title: "Uptime",
    explain: "Share of the minutes of the last day, or since it was first seen, with a live offer.",
    end: true,
    sort: ({ uptime }) => uptime,
    render: ({ uptime }) => (uptime === null ? "no data" : percent(uptime)),
  },
  {
    key: "latency",
    title: "Answer time",
    explain: "Median of whole answers, by the provider's own clock, from receipts.",
    end: true,
    sort: ({ latency }) => latency?.p50Ms ?? null,
    render: ({ latency }) => (latency === null ? "no data" : duration(latency.p50Ms)),
  },
  {
    key: "speed",
    title: "Tokens/s",
    end: true,
    sort: ({ tokensPerSecond }) => tokensPerSecond,
    render: ({ tokensPerSecond }) => (tokensPerSecond === null ? "no data" : tokensPerSecond.toFixed(0)),
  },
  {
    key: "audits",
    title: "Audits",
    explain: "Passed, inconclusive, failed.",
    end: true,
    sort: ({ audits }) => audits.pass,
    render: ({ audits: { pass, inconclusive, fail } }) => `${count(pass)} · ${count(inconclusive)} · ${count(fail)}`,
  },
  {
    key: "reputation",
    title: "Reputation",
    explain: REPUTATION_FORMULA,
    end: true,
    sort: ({ reputation }) => reputation,
    render: ({ reputation }) => (reputation === null ? "no data" : reputation.toFixed(2)),
  },
  {
    key: "stake",
    title: "Stake",
    explain: "What it loses when it is convicted. It buys no work: slots do, and each slot has to be covered.",
    end: true,
    sort: ({ stake }) => stake,
    render: ({ stake, slots }) => `${usd(stake)} / ${count(slots)}`,
  },
  {
    key: "receipts",
    title: "Answers",
    end: true,
    sort: ({ receipts }) => receipts,
    render: ({ receipts }) => count(receipts),
  },
  {
    key: "earned",
    title: "Earned",
    explain: "Claimed from channels.",
    end: true,
    sort: ({ earned }) => earned,
    render: ({ earned }) => usd(earned),
  },
];

/** Every registered provider, to compare. */
export function ProviderTable() {
  const query = useEndpoint("indexer", indexerApi.providers, { query: { limit: MOST } });
  return (
    <Panel title="Providers" note="what they did, from receipts and the chain">
      <Answered query={query} lines={10} what="providers">
        {({ data, next }) =>
          data.length === 0 ? (
            <Empty title="No provider has registered yet">
              <p>Anyone can serve a model: npx depinfer node</p>
            </Empty>
          ) : (
            <DataTable
              name="providers"
              label="Providers"
              columns={COLUMNS}
              rows={data}
              rowKey={({ provider }) => provider}
              initialSort="-earned"
              {...(next === null ? {} : { foot: `only the first ${count(MOST)} are shown` })}
            />
          )
        }
      </Answered>
    </Panel>
  );
}
