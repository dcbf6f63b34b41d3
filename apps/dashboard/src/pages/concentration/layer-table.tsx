import type { Decentralisation, IndexLayerFigures } from "@depinfer/protocol/api";
import { count } from "../../format/number.ts";
import { Badge } from "../../ui/badge.tsx";
import { type Column, DataTable } from "../../ui/data-table.tsx";
import { Panel } from "../../ui/panel.tsx";
import { useUrlState } from "../../ui/url-state.ts";
import styles from "./concentration.module.css";

const TONES = { counted: "proof", "set aside": "unsure", "no data": "plain" } as const;

/** Every layer, those without data too. */
export function LayerTable({ found }: { readonly found: Decentralisation }) {
  const [, setLayer] = useUrlState("layer", "");
  const columns: readonly Column<IndexLayerFigures>[] = [
    {
      key: "layer",
      title: "Layer",
      width: "minmax(11rem, 1.4fr)",
      sort: ({ title }) => title,
      render: ({ name, title }) => (
        <button type="button" className={styles.choose} onClick={() => setLayer(name)}>
          {title}
        </button>
      ),
    },
    {
      key: "state",
      title: "State",
      width: "minmax(7rem, 0.7fr)",
      sort: ({ state }) => state,
      render: ({ state }) => <Badge tone={TONES[state]}>{state}</Badge>,
    },
    {
      key: "score",
      title: "Score",
      explain: "0 for a single controller, 1 from so many on as would be enough. Behind it the 95 % interval.",
      end: true,
      width: "minmax(9rem, 1fr)",
      sort: ({ score }) => score,
      render: ({ score, interval }) =>
        score === null ? (
          "–"
        ) : (
          <>
            {score.toFixed(2)}
            {interval !== null && (
              <small className={styles.interval}>
                {" "}
                {interval.low.toFixed(2)}–{interval.high.toFixed(2)}
              </small>
            )}
          </>
        ),
    },
    {
      key: "nc33",
      title: "Hold it up",
      explain: "How few together have more than 33 %, and how many would be enough (T).",
      end: true,
      sort: ({ clustered }) => clustered.nc33,
      render: ({ clustered, target }) =>
        clustered.nc33 === null ? "–" : `${count(clustered.nc33)} of ${count(target)}`,
    },
    {
      key: "nc50",
      title: "More than half",
      end: true,
      sort: ({ clustered }) => clustered.nc50,
      render: ({ clustered }) => (clustered.nc50 === null ? "–" : count(clustered.nc50)),
    },
    {
      key: "entities",
      title: "Owners / names",
      explain: "Names that public evidence joins count as one owner. Evidence can be hidden, so this is a bound.",
      end: true,
      sort: ({ clustered }) => clustered.entities,
      render: ({ clustered, raw, score }) =>
        score === null ? "–" : `${count(clustered.entities)} / ${count(raw.entities)}`,
    },
    {
      key: "gini",
      title: "Gini",
      explain: "Over owners, and over names as they appear.",
      end: true,
      sort: ({ clustered }) => clustered.gini,
      render: ({ clustered, raw }) =>
        clustered.gini === null ? "–" : `${clustered.gini.toFixed(2)} / ${raw.gini?.toFixed(2) ?? "–"}`,
    },
  ];
  return (
    <Panel title="Layers" note="choose one to see what is behind it">
      <DataTable
        name="layers"
        label="Layers of the index"
        columns={columns}
        rows={found.layers}
        rowKey={({ name }) => name}
      />
    </Panel>
  );
}
