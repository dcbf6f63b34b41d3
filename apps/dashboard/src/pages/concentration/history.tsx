import { indexerApi } from "@depinfer/protocol/api";
import { useMemo } from "react";
import { useEndpoint } from "../../api/use-endpoint.ts";
import { Panel } from "../../ui/panel.tsx";
import { Plot } from "../../ui/plot.tsx";
import { Answered, Empty } from "../../ui/state.tsx";

/** The indexer notes the index so often. */
const EVERY_MS = 15_000;

/** The index of a day, at each time at which it was noted. */
export function IndexHistory() {
  const query = useEndpoint("indexer", indexerApi.indexHistory, { every: EVERY_MS });
  return (
    <Panel
      title="Over the last day"
      note="each over the day before it"
      explain="The indexer notes the index every quarter of a minute, and keeps one of each hour for good. Dashed: its 95 % interval."
    >
      <Answered query={query} lines={7} what="the history of the index">
        {({ data }) => <Course points={data} />}
      </Answered>
    </Panel>
  );
}

function Course({
  points,
}: {
  readonly points: readonly ReturnType<typeof indexerApi.indexHistory.answer.parse>["data"][number][];
}) {
  const known = useMemo(() => points.filter(({ index }) => index !== null), [points]);
  if (known.length < 2) {
    return <Empty title="No history yet: it is noted while the indexer runs" />;
  }
  return (
    <Plot
      label="Depinfer index over the last day"
      time
      x={known.map(({ at }) => at)}
      series={[
        { label: "index", values: known.map(({ index }) => index), look: "step" },
        { label: "at least, 95 %", values: known.map(({ low }) => low), colour: "--ink-3", dashed: true },
        { label: "at most, 95 %", values: known.map(({ high }) => high), colour: "--ink-3", dashed: true },
      ]}
      rangeY={[0, 100]}
      formatY={(value) => value.toFixed(0)}
    />
  );
}
