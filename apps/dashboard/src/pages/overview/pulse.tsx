import { gatewayApi, indexerApi, type Series } from "@depinfer/protocol/api";
import { useMemo } from "react";
import { useConnection } from "../../api/connection.tsx";
import { useEndpoint } from "../../api/use-endpoint.ts";
import { plotUsd, usd } from "../../format/money.ts";
import { count, plural } from "../../format/number.ts";
import { Segmented } from "../../ui/field.tsx";
import { useNow } from "../../ui/figures.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Plot } from "../../ui/plot.tsx";
import { Answered, Empty } from "../../ui/state.tsx";
import { oneOf, useUrlState } from "../../ui/url-state.ts";
import styles from "./overview.module.css";

const HOUR = 3_600_000;

/** Spans that can be looked at, with the seconds that each point stands for. */
const SPANS = {
  hour: { label: "Hour", milliseconds: HOUR, bucket: 60 },
  day: { label: "Day", milliseconds: 24 * HOUR, bucket: 1_800 },
  month: { label: "Month", milliseconds: 30 * 24 * HOUR, bucket: 86_400 },
} as const;

const PLOTS = [
  { metric: "requests", title: "Requests", format: count },
  { metric: "outputTokens", title: "Tokens", format: count },
  { metric: "settled", title: "Settled", format: (units: number) => usd(BigInt(Math.round(units))) },
  { metric: "audits", title: "Audits", format: count },
] as const;

const HEIGHT = 150;
const REFRESH_MS = 2_000;

/** How much happens, over time; and right now at this gateway. */
export function Pulse() {
  const [span, setSpan] = useUrlState("span", "hour");
  const chosen = oneOf(span, ["hour", "day", "month"]);
  return (
    <Panel
      title="Pulse"
      explain="Counted from receipts under posted roots and from the chain, so it lags by an epoch. The gateway's own figure does not."
      actions={
        <Segmented
          label="Span"
          value={chosen}
          choices={[
            { value: "hour", label: SPANS.hour.label },
            { value: "day", label: SPANS.day.label },
            { value: "month", label: SPANS.month.label },
          ]}
          onChange={setSpan}
        />
      }
    >
      <div className={styles.pulses}>
        <Now />
        {PLOTS.map((plot) => (
          <Figure key={plot.metric} {...plot} span={chosen} />
        ))}
      </div>
    </Panel>
  );
}

function Figure({ metric, title, format, span }: (typeof PLOTS)[number] & { readonly span: keyof typeof SPANS }) {
  const { milliseconds, bucket } = SPANS[span];
  // Moves on by whole buckets, so that the question stays the same in between.
  const now = useNow();
  const until = Math.ceil(now / (bucket * 1_000)) * bucket * 1_000;
  const query = useEndpoint("indexer", indexerApi.series, {
    query: { metric, bucket, since: until - milliseconds, until },
  });
  return (
    <div className={styles.pulse}>
      <Answered query={query} lines={5} what={title}>
        {(series) => <SeriesPlot series={series} title={title} format={format} />}
      </Answered>
    </div>
  );
}

function SeriesPlot({
  series: { points, metric },
  title,
  format,
}: {
  readonly series: Series;
  readonly title: string;
  readonly format: (value: number) => string;
}) {
  const { x, values, sum } = useMemo(
    () => ({
      x: points.map(({ at }) => at),
      values: points.map(({ value }) => value),
      sum: points.reduce((total, { value }) => total + value, 0),
    }),
    [points],
  );
  const short = metric === "settled" ? shortUnits : format;
  return (
    <>
      <h3>
        {title}: {format(sum)}
      </h3>
      <Plot
        label={`${title} over time`}
        time
        height={HEIGHT}
        x={x}
        series={[{ label: title, values, look: "step", colour: COLOURS[metric] }]}
        formatY={short}
      />
    </>
  );
}

/** Least that is told in dollars on an axis, in units; below, millionths of a dollar have shorter numbers. */
const LEAST_DOLLARS = 10_000;

function shortUnits(units: number): string {
  return units < LEAST_DOLLARS
    ? `${count(Math.round(units))} µ$`
    : `$${plotUsd(BigInt(Math.round(units))).toPrecision(2)}`;
}

const COLOURS = {
  requests: "--series-2",
  outputTokens: "--series-5",
  settled: "--series-3",
  audits: "--series-1",
  failedAudits: "--fail",
} as const;

/** The last minute of the gateway that this page uses, of all its keys together. */
function Now() {
  const { has } = useConnection();
  const query = useEndpoint("gateway", gatewayApi.pulse, { every: REFRESH_MS, enabled: has("gateway") });
  if (!has("gateway")) {
    return <Empty title="No gateway is set, so nothing is known of this very moment" />;
  }
  return (
    <div className={styles.pulse}>
      <Answered query={query} lines={5} what="this minute">
        {({ active, seconds }) => (
          <>
            <h3>
              This minute:{" "}
              {plural(
                seconds.reduce((total, { requests }) => total + requests, 0),
                "request",
              )}
            </h3>
            <Plot
              label={`Tokens a second at this gateway; ${active} requests are being answered`}
              time
              height={HEIGHT}
              x={seconds.map(({ at }) => at)}
              series={[
                {
                  label: "tokens a second",
                  values: seconds.map(({ outputTokens }) => outputTokens),
                  look: "area",
                  colour: "--series-4",
                },
              ]}
              formatY={count}
            />
          </>
        )}
      </Answered>
    </div>
  );
}
