import { indexerApi } from "@depinfer/protocol/api";
import { useMemo } from "react";
import { useEndpoint } from "../../api/use-endpoint.ts";
import { plotUsd } from "../../format/money.ts";
import { Segmented, Select } from "../../ui/field.tsx";
import { useNow } from "../../ui/figures.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Plot } from "../../ui/plot.tsx";
import { Answered, Empty } from "../../ui/state.tsx";
import { oneOf, useUrlState } from "../../ui/url-state.ts";
import { BasePrice } from "./base-price.tsx";

const HOUR = 3_600_000;
const SPANS = {
  hour: { milliseconds: HOUR, bucket: 60 },
  day: { milliseconds: 24 * HOUR, bucket: 900 },
  month: { milliseconds: 30 * 24 * HOUR, bucket: 21_600 },
} as const;

const dollars = (value: number) => `$${value.toPrecision(3)}`;

/** What a model has cost over time: cheapest, median and dearest live offer. */
export function PriceHistory() {
  const [model, setModel] = useUrlState("model", "");
  const [span, setSpan] = useUrlState("span", "hour");
  const models = useEndpoint("indexer", indexerApi.models);
  return (
    <Answered query={models} what="models">
      {({ data }) => {
        const names = data.map((one) => one.model);
        const chosen = names.includes(model) ? model : names[0];
        return chosen === undefined ? (
          <Empty title="No model was ever offered here" />
        ) : (
          <>
            <Select
              label="Model"
              value={chosen}
              choices={names.map((value) => ({ value, label: value.slice(0, 120) }))}
              onChange={setModel}
            />
            <Panel
              title="Price history"
              explain="Prices that providers signed in their offers, in dollars for a million tokens. Nobody sets them for all."
              actions={
                <Segmented
                  label="Span"
                  value={oneOf(span, ["hour", "day", "month"])}
                  choices={[
                    { value: "hour", label: "Hour" },
                    { value: "day", label: "Day" },
                    { value: "month", label: "Month" },
                  ]}
                  onChange={setSpan}
                />
              }
            >
              <ModelPrices model={chosen} span={oneOf(span, ["hour", "day", "month"])} />
            </Panel>
            <BasePrice model={chosen} />
          </>
        );
      }}
    </Answered>
  );
}

function ModelPrices({ model, span }: { readonly model: string; readonly span: keyof typeof SPANS }) {
  const { milliseconds, bucket } = SPANS[span];
  const now = useNow();
  const until = Math.ceil(now / (bucket * 1_000)) * bucket * 1_000;
  const query = useEndpoint("indexer", indexerApi.prices, {
    query: { model, bucket, since: until - milliseconds, until },
  });
  const points = query.data?.points;
  const plots = useMemo(() => {
    const at = (points ?? []).map((point) => point.at);
    const seriesOf = (kind: "output" | "input") =>
      (["least", "median", "most"] as const).map((part) => ({
        label: { least: "cheapest", median: "median", most: "dearest" }[part],
        values: (points ?? []).map((point) => (point[kind] === null ? null : plotUsd(point[kind][part]))),
        look: "step" as const,
      }));
    return { at, output: seriesOf("output"), input: seriesOf("input") };
  }, [points]);
  return (
    <Answered query={query} lines={8} what="prices">
      {() =>
        plots.at.length === 0 ? (
          <Empty title="No price was seen in this span" />
        ) : (
          <>
            <h3>Output</h3>
            <Plot label={`Output prices of ${model}`} time x={plots.at} series={plots.output} formatY={dollars} />
            <h3>Input</h3>
            <Plot label={`Input prices of ${model}`} time x={plots.at} series={plots.input} formatY={dollars} />
          </>
        )
      }
    </Answered>
  );
}
