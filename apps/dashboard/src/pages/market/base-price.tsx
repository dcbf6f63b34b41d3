import { indexerApi } from "@depinfer/protocol/api";
import { useMemo } from "react";
import { useEndpoint } from "../../api/use-endpoint.ts";
import { plotUsd } from "../../format/money.ts";
import { percent } from "../../format/number.ts";
import { duration } from "../../format/time.ts";
import { Money, Stat, Stats, When } from "../../ui/figures.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Plot } from "../../ui/plot.tsx";
import { Answered, Empty } from "../../ui/state.tsx";

const EVERY_MS = 15_000;
const dollars = (value: number) => `$${value.toPrecision(3)}`;

/** The base price of a model, which providers may post a discount to, and what moved it. */
export function BasePrice({ model }: { readonly model: string }) {
  const query = useEndpoint("indexer", indexerApi.basePrices, { query: { model }, every: EVERY_MS });
  return (
    <Panel
      title="Base price"
      note="nobody has to follow it"
      explain="It begins at the median of what is posted, and moves each period by at most an eighth: up when more than 60 % of the slots were at work, down when fewer were. Providers may follow it with a discount of their own."
    >
      <Answered query={query} lines={6} what="the base price">
        {({ data, target }) => {
          const found = data.find((one) => one.model === model);
          return found === undefined ? (
            <Empty title="No base price yet: it begins with the first offer that the indexer hears" />
          ) : (
            <>
              <Stats>
                <Stat label="Now" note="per million output tokens">
                  <Money units={found.current} />
                </Stat>
                <Stat label="Moves again" note={`every ${duration(found.period)}`}>
                  <When at={found.nextAt} />
                </Stat>
                <Stat
                  label="At work"
                  note={`rests at ${percent(target, 0)}`}
                  explain="Of the period before last: receipts of the last one are not all posted."
                >
                  {found.history.at(-1)?.utilisation === null
                    ? "not known"
                    : percent(found.history.at(-1)?.utilisation ?? 0)}
                </Stat>
              </Stats>
              <Course model={model} history={found.history} />
            </>
          );
        }}
      </Answered>
    </Panel>
  );
}

type History = ReturnType<typeof indexerApi.basePrices.answer.parse>["data"][number]["history"];

function Course({ model, history }: { readonly model: string; readonly history: History }) {
  const plot = useMemo(
    () => ({ x: history.map(({ at }) => at), values: history.map(({ price }) => plotUsd(price)) }),
    [history],
  );
  return history.length < 2 ? null : (
    <Plot
      label={`Base price of ${model}, dollars per million output tokens`}
      time
      x={plot.x}
      series={[{ label: "base price", values: plot.values, look: "step" }]}
      formatY={dollars}
    />
  );
}
