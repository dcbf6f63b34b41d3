import type { Decentralisation } from "@depinfer/protocol/api";
import { Panel } from "../../ui/panel.tsx";
import { Empty } from "../../ui/state.tsx";
import styles from "./concentration.module.css";

const MOST = 5;

/** What one controller more in one layer would do, most first. */
export function Improvements({ found: { improvements, layers, index } }: { readonly found: Decentralisation }) {
  const single = layers.filter(({ state, score }) => state === "counted" && score === 0);
  return (
    <Panel title="What would raise it most" explain="One more independent controller in one layer, all else as it is.">
      {improvements.length === 0 ? (
        <Empty title={index === null ? "No data" : "Every layer that is counted has as many as would be enough"} />
      ) : (
        <>
          {single.length > 1 && (
            <p>
              It stays at 0 until each of these has more than one controller:{" "}
              {single.map(({ title }) => title.toLowerCase()).join(", ")}.
            </p>
          )}
          <ol className={styles.improvements}>
            {improvements.slice(0, MOST).map((improvement) => {
              const layer = layers.find(({ name }) => name === improvement.layer);
              return (
                <li key={improvement.layer}>
                  <strong>{layer?.title ?? improvement.layer}</strong>
                  <span>
                    {improvement.nc33 - 1} → {improvement.nc33} controllers: {index?.toFixed(1) ?? "–"} →{" "}
                    {improvement.index.toFixed(1)}
                  </span>
                  <small>{layer?.remedy}</small>
                </li>
              );
            })}
          </ol>
        </>
      )}
    </Panel>
  );
}
