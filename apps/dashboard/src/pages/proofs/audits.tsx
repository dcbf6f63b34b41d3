import { type Audit, indexerApi } from "@depinfer/protocol/api";
import { useMemo } from "react";
import { useEndpoint } from "../../api/use-endpoint.ts";
import { count, shortId } from "../../format/number.ts";
import { nats } from "../../format/proof.ts";
import { VerdictBadge } from "../../ui/badge.tsx";
import { ButtonLink } from "../../ui/button.tsx";
import { type Column, DataTable } from "../../ui/data-table.tsx";
import { Id, useNow, When } from "../../ui/figures.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Plot } from "../../ui/plot.tsx";
import { Answered, Empty } from "../../ui/state.tsx";

const MOST = 1_000;
const BUCKET = 60;
const SPAN_MS = 3_600_000;

const COLUMNS: readonly Column<Audit>[] = [
  {
    key: "verdict",
    title: "Verdict",
    sort: ({ verdict }) => verdict,
    render: ({ verdict }) => <VerdictBadge verdict={verdict} />,
  },
  {
    key: "receipt",
    title: "Receipt",
    width: "minmax(10rem, 1fr)",
    render: ({ receiptId }) => <Id id={receiptId} to={`/explorer/receipt/${receiptId}`} />,
  },
  {
    key: "provider",
    title: "Provider",
    width: "minmax(10rem, 1fr)",
    sort: ({ provider }) => provider,
    render: ({ provider }) => <Id id={provider} to={`/market/providers/${provider}`} />,
  },
  {
    key: "validator",
    title: "Validator",
    width: "minmax(10rem, 1fr)",
    sort: ({ validator }) => validator,
    render: ({ validator }) => <Id id={validator} to={`/explorer/validator/${validator}`} />,
  },
  {
    key: "tokens",
    title: "Informative",
    explain: "Tokens at which a cheat could have been told from an honest provider.",
    end: true,
    sort: ({ tokens }) => tokens,
    render: ({ tokens }) => count(tokens),
  },
  {
    key: "mismatches",
    title: "Mismatches",
    explain: "Tokens other than those that seed and weights draw.",
    end: true,
    sort: ({ mismatches }) => mismatches,
    render: ({ mismatches }) => count(mismatches),
  },
  {
    key: "margin",
    title: "Margin",
    explain: "How far from winning the draw the answer's tokens were, together.",
    end: true,
    sort: ({ marginMicros }) => marginMicros,
    render: ({ marginMicros }) => nats(marginMicros / 1e6),
  },
  {
    key: "at",
    title: "When",
    end: true,
    sort: ({ at }) => at,
    render: ({ at }) => (at === null ? "unknown" : <When at={at} />),
  },
];

/** Verdicts as they are attested, and how many there are of each kind over time. */
export function Audits() {
  const query = useEndpoint("indexer", indexerApi.audits, { query: { limit: MOST } });
  return (
    <>
      <OverTime />
      <Panel
        title="Attested verdicts"
        note="new ones appear by themselves"
        explain="A verdict is a validator's word, with its stake behind it. It costs nobody anything by itself: a dispute does, and its jury computes again."
        actions={
          <ButtonLink to="/proofs/check" small icon="check">
            Check a receipt yourself
          </ButtonLink>
        }
      >
        <Answered query={query} lines={10} what="audits">
          {({ data, next }) =>
            data.length === 0 ? (
              <Empty title="Nothing was audited yet">
                <p>
                  Receipts are drawn for audits once their epoch's root is on the chain. New providers are audited most.
                </p>
                <ButtonLink to="/playground" icon="playground" small>
                  Make one to draw
                </ButtonLink>
              </Empty>
            ) : (
              <DataTable
                name="audits"
                label="Attested verdicts"
                columns={COLUMNS}
                rows={data}
                rowKey={({ receiptId, validator }) => `${receiptId} ${shortId(validator)}`}
                {...(next === null ? {} : { foot: `the newest ${count(MOST)}` })}
              />
            )
          }
        </Answered>
      </Panel>
    </>
  );
}

function OverTime() {
  const now = useNow();
  const until = Math.ceil(now / (BUCKET * 1_000)) * BUCKET * 1_000;
  const span = { bucket: BUCKET, since: until - SPAN_MS, until };
  const all = useEndpoint("indexer", indexerApi.series, { query: { metric: "audits", ...span } });
  const failed = useEndpoint("indexer", indexerApi.series, { query: { metric: "failedAudits", ...span } });
  const plotted = useMemo(() => {
    const points = all.data?.points ?? [];
    const fails = new Map((failed.data?.points ?? []).map(({ at, value }) => [at, value]));
    return {
      x: points.map(({ at }) => at),
      audits: points.map(({ value }) => value),
      failed: points.map(({ at }) => fails.get(at) ?? 0),
    };
  }, [all.data, failed.data]);
  return (
    <Panel title="Audits of the last hour" note="by minute">
      <Answered query={all} lines={6} what="audits over time">
        {() => (
          <Plot
            label="Audits and failures by minute"
            time
            height={160}
            x={plotted.x}
            series={[
              { label: "audits", values: plotted.audits, look: "step" },
              { label: "failed", values: plotted.failed, look: "step", colour: "--fail" },
            ]}
            formatY={count}
          />
        )}
      </Answered>
    </Panel>
  );
}
