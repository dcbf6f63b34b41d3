import type { Decentralisation, IndexLayerFigures } from "@depinfer/protocol/api";
import { count, percent } from "../../format/number.ts";
import { Select } from "../../ui/field.tsx";
import { Fact, Facts, Id, Money } from "../../ui/figures.tsx";
import { Columns, Panel } from "../../ui/panel.tsx";
import { Plot } from "../../ui/plot.tsx";
import { Empty } from "../../ui/state.tsx";
import { useUrlState } from "../../ui/url-state.ts";
import styles from "./concentration.module.css";

const DIGITS = 4;

/** One layer worked out: its Lorenz curve, who has most, and the formula with its numbers. */
export function LayerDetail({ found }: { readonly found: Decentralisation }) {
  const [name, setName] = useUrlState("layer", "");
  const [first] = found.layers;
  const layer =
    found.layers.find((one) => one.name === name) ?? found.layers.find((one) => one.name === found.weakest) ?? first;
  if (layer === undefined) {
    return null;
  }
  return (
    <Panel title={layer.title} note={layer.counts}>
      <Select
        label="Layer"
        value={layer.name}
        choices={found.layers.map((one) => ({ value: one.name, label: one.title }))}
        onChange={setName}
      />
      {layer.score === null ? (
        <Empty title={`No data: ${layer.reason ?? "nothing was seen"}`}>
          <p>What is not measured is no sign of being well spread.</p>
        </Empty>
      ) : (
        <Columns least="24rem">
          <Curve layer={layer} />
          <Working layer={layer} />
        </Columns>
      )}
    </Panel>
  );
}

function Curve({ layer: { title, lorenz } }: { readonly layer: IndexLayerFigures }) {
  const x = lorenz.map(({ entities }) => entities);
  return (
    <Plot
      label={`Lorenz curve of ${title.toLowerCase()}: the part that the smallest owners have`}
      x={x}
      series={[
        { label: "this layer", values: lorenz.map(({ amount }) => amount), look: "area" },
        { label: "all alike", values: x, dashed: true, colour: "--ink-3" },
      ]}
      rangeY={[0, 1]}
      height={260}
      formatX={(value) => percent(value, 0)}
      formatY={(value) => percent(value, 0)}
      xTitle="owners, smallest first"
    />
  );
}

function Working({ layer }: { readonly layer: IndexLayerFigures }) {
  const { clustered, raw, target, score, state, reason, largest, unit, remedy } = layer;
  const few = clustered.nc33 ?? 0;
  return (
    <div className={styles.working}>
      <Facts>
        <Fact label="Score" explain="min(1, ln NC33 ÷ ln T)">
          ln {few} ÷ ln {target} = {score?.toFixed(DIGITS)}
        </Fact>
        <Fact label="Hold it up (NC33)">
          {count(few)} of {count(clustered.entities)}, together {percent(sumOf(largest.slice(0, few)))}
        </Fact>
        <Fact label="HHI, owners / names" explain="Herfindahl–Hirschman index: 10,000 for a single one.">
          {clustered.hhi?.toFixed(0)} / {raw.hhi?.toFixed(0)}
        </Fact>
        {state !== "counted" && <Fact label={`It is ${state}`}>{reason}</Fact>}
        <Fact label="What would spread it">{remedy}</Fact>
      </Facts>
      <ol className={styles.largest} aria-label="Largest">
        {largest.map(({ id, identities, amount, share }) => (
          <li key={id}>
            {id.startsWith("0x") ? <Id id={id} to={`/explorer/account/${id}`} /> : <span>{id}</span>}
            <span className={styles.share}>
              <meter min={0} max={1} value={share} aria-label={`Share of ${id}`} /> {percent(share)}
            </span>
            <small>
              {unit === "units" ? <Money units={BigInt(Math.round(amount))} /> : `${count(amount)} slots`}
              {identities > 1 && `, under ${count(identities)} names`}
            </small>
          </li>
        ))}
      </ol>
    </div>
  );
}

function sumOf(entities: IndexLayerFigures["largest"]): number {
  return entities.reduce((sum, { share }) => sum + share, 0);
}
