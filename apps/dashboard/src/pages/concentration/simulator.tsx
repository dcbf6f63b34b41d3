import { stableElasticity } from "@depinfer/economics";
import { useMemo } from "react";
import type { InteractiveMarket, InteractiveOutcome } from "../../../../../simulation/economy/interactive.ts";
import { count, percent } from "../../format/number.ts";
import { Badge } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { type Column, DataTable } from "../../ui/data-table.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Plot } from "../../ui/plot.tsx";
import { Range } from "../../ui/range.tsx";
import { Empty, Loading } from "../../ui/state.tsx";
import { useUrlState } from "../../ui/url-state.ts";
import styles from "./concentration.module.css";
import { useSimulation } from "./use-simulation.ts";

/** What can be moved, and where it begins. A cap of 0 stands for none. */
const SLIDERS = [
  { name: "whale", label: "Capacity of the largest owner", initial: 0.3, min: 0, max: 0.9, step: 0.01, text: share },
  { name: "floor", label: "Part that members get alike", initial: 0.3, min: 0, max: 0.9, step: 0.01, text: share },
  {
    name: "cap",
    label: "Cap once its names are known to be one",
    initial: 0,
    min: 0,
    max: 0.5,
    step: 0.01,
    text: (value: number) => (value === 0 ? "none" : share(value)),
  },
  {
    name: "tail",
    label: "Tail of capacity, α: lower is less even",
    initial: 1.5,
    min: 1.05,
    max: 5,
    step: 0.05,
    text: (value: number) => value.toFixed(2),
  },
  {
    name: "elasticity",
    label: "Elasticity of demand",
    initial: 2,
    min: 0,
    max: 20,
    step: 0.5,
    text: (value: number) => value.toFixed(1),
  },
] as const;

function share(value: number): string {
  return percent(value, 0);
}

/** A market in the reader's browser: what a whale gets under our rules and under others. */
export function Simulator() {
  const values = useSliders();
  const [seed, setSeed] = useUrlState("seed", "1");
  const { whale, floor, cap, tail, elasticity } = values.at;
  const { outcome, running, error } = useSimulation({
    whaleShare: whale,
    memberFloor: floor,
    tailAlpha: tail,
    elasticity,
    ownerCap: cap === 0 ? null : cap,
    seed: Number.parseInt(seed, 10) || 1,
  });
  return (
    <>
      <Panel
        title="Simulated market"
        note={<Badge tone="unsure">SIMULATED</Badge>}
        explain="2,000 invented providers, simulated in this browser. The same functions route jobs here and in the gateway. One seed and few jobs: figures scatter by some hundredths. Campaigns of 30 seeds with intervals are in the committed benchmark `concentration`."
        actions={
          <Button small onClick={() => setSeed(String((Number.parseInt(seed, 10) || 1) + 1))}>
            Another seed
          </Button>
        }
      >
        <div className={styles.sliders}>
          {SLIDERS.map(({ name, label, min, max, step, text }) => (
            <Range
              key={name}
              label={label}
              value={values.at[name]}
              text={text(values.at[name])}
              min={min}
              max={max}
              step={step}
              onChange={(value) => values.set[name](String(value))}
            />
          ))}
        </div>
        {error !== null && <Empty title={error} />}
        {outcome === null ? (
          error === null && <Loading lines={8} what="the simulated market" />
        ) : (
          <div aria-busy={running} data-trace={outcome.trace}>
            <Markets outcome={outcome} whale={whale} />
          </div>
        )}
      </Panel>
      {outcome !== null && <Price prices={outcome.prices} elasticity={elasticity} />}
    </>
  );
}

type SliderName = (typeof SLIDERS)[number]["name"];

/** Where each slider stands, kept in the URL. What a URL holds beyond a slider's range is brought back into it. */
function useSliders() {
  const [whale, setWhale] = useUrlState("whale", String(SLIDERS[0].initial));
  const [floor, setFloor] = useUrlState("floor", String(SLIDERS[1].initial));
  const [cap, setCap] = useUrlState("cap", String(SLIDERS[2].initial));
  const [tail, setTail] = useUrlState("tail", String(SLIDERS[3].initial));
  const [elasticity, setElasticity] = useUrlState("elasticity", String(SLIDERS[4].initial));
  const at = (index: 0 | 1 | 2 | 3 | 4, text: string) => {
    const { initial, min, max } = SLIDERS[index];
    const value = text.trim() === "" ? Number.NaN : Number(text);
    return Number.isFinite(value) ? Math.min(max, Math.max(min, value)) : initial;
  };
  return {
    at: {
      whale: at(0, whale),
      floor: at(1, floor),
      cap: at(2, cap),
      tail: at(3, tail),
      elasticity: at(4, elasticity),
    } satisfies Record<SliderName, number>,
    set: {
      whale: setWhale,
      floor: setFloor,
      cap: setCap,
      tail: setTail,
      elasticity: setElasticity,
    } satisfies Record<SliderName, (value: string) => void>,
  };
}

const COLUMNS: readonly Column<InteractiveMarket>[] = [
  { key: "market", title: "Work is given", width: "minmax(13rem, 1.6fr)", render: ({ name }) => name },
  {
    key: "whale",
    title: "The largest owner gets",
    end: true,
    render: ({ whaleShare }) => (whaleShare === 0 ? "there is none" : percent(whaleShare)),
  },
  { key: "gini", title: "Gini", end: true, render: ({ gini }) => gini.toFixed(3) },
  {
    key: "nc50",
    title: "Have more than half",
    explain: "Nakamoto coefficient at 50 %: how few owners together have more than half of the work.",
    end: true,
    render: ({ nc50 }) => count(nc50),
  },
  {
    key: "nc33",
    title: "Have a third",
    explain: "Nakamoto coefficient at 33 %.",
    end: true,
    render: ({ nc33 }) => count(nc33),
  },
];

function Markets({ outcome: { markets }, whale }: { readonly outcome: InteractiveOutcome; readonly whale: number }) {
  const shown = useMemo(() => [markets.ours, markets.likeForLike, markets.stake], [markets]);
  const x = useMemo(() => shown[0]?.lorenz.map(({ entities }) => entities) ?? [], [shown]);
  const gain = whale === 0 ? null : markets.ours.whaleShare / whale;
  return (
    <div className={styles.working}>
      <DataTable
        name="simulated"
        label="Simulated markets"
        columns={COLUMNS}
        rows={shown}
        rowKey={({ name }) => name}
      />
      {gain !== null && (
        <p>
          With {percent(whale, 0)} of the capacity it gets {percent(markets.ours.whaleShare)} of the work here:{" "}
          {gain.toFixed(2)} times its part.
        </p>
      )}
      <Plot
        label="Lorenz curves of the simulated markets"
        x={x}
        series={[
          ...shown.map(({ name, lorenz }) => ({ label: name, values: lorenz.map(({ amount }) => amount) })),
          { label: "all alike", values: x, dashed: true, colour: "--ink-3" as const },
        ]}
        rangeY={[0, 1]}
        height={300}
        formatX={share}
        formatY={share}
        xTitle="owners, those with least first"
      />
    </div>
  );
}

function Price({ prices, elasticity }: { readonly prices: readonly number[]; readonly elasticity: number }) {
  const x = useMemo(() => prices.map((_, period) => period), [prices]);
  const limit = stableElasticity();
  return (
    <Panel
      title="Base price after a shock"
      note={<Badge tone="unsure">SIMULATED</Badge>}
      explain="The price of a model moves by at most an eighth for each period, up when more than 60 % of the slots are busy, down when fewer are. Demand falls with the price by the elasticity."
    >
      <p>
        {elasticity < limit
          ? `It settles: an elasticity of ${elasticity.toFixed(1)} is below ${limit}.`
          : `It never settles: from an elasticity of ${limit} on, each step overshoots.`}
      </p>
      <Plot
        label="Base price by period after it was twice what it should be"
        x={x}
        wholeX
        series={[
          { label: "base price", values: prices },
          { label: "where demand and capacity meet", values: x.map(() => 1), dashed: true, colour: "--ink-3" },
        ]}
        formatY={(value) => value.toFixed(2)}
        xTitle="periods"
      />
    </Panel>
  );
}
