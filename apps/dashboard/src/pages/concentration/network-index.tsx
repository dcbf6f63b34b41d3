import { type Decentralisation, INDEX_WINDOWS, type IndexWindow, indexerApi } from "@depinfer/protocol/api";
import type { ReactNode } from "react";
import { useConnection } from "../../api/connection.tsx";
import { useEndpoint } from "../../api/use-endpoint.ts";
import { percent, plural } from "../../format/number.ts";
import { ButtonLink } from "../../ui/button.tsx";
import { Segmented } from "../../ui/field.tsx";
import { Stat, Stats } from "../../ui/figures.tsx";
import { Columns, Panel } from "../../ui/panel.tsx";
import { Answered, Empty } from "../../ui/state.tsx";
import { oneOf, useUrlState } from "../../ui/url-state.ts";
import { Clusters } from "./clusters.tsx";
import styles from "./concentration.module.css";
import { IndexHistory } from "./history.tsx";
import { Improvements } from "./improvements.tsx";
import { LayerDetail } from "./layer-detail.tsx";
import { LayerTable } from "./layer-table.tsx";

const WINDOWS: readonly [IndexWindow, ...IndexWindow[]] = ["day", "hour", "week", "month"];
/** Traffic changes it; faster than this nobody reads. */
const EVERY_MS = 10_000;

/** The index of the network that this page is connected to. */
export function NetworkIndex() {
  const { has } = useConnection();
  const [asked, setWindow] = useUrlState("window", "day");
  const window = oneOf(asked, WINDOWS);
  const query = useEndpoint("indexer", indexerApi.index, {
    query: { window },
    every: EVERY_MS,
    enabled: has("indexer"),
  });
  if (!has("indexer")) {
    return (
      <Empty title="No indexer is set">
        <p>An indexer measures the network. Set its address under Connection.</p>
      </Empty>
    );
  }
  return (
    <Answered query={query} lines={12} what="the index">
      {(found) => (
        <>
          <Columns least="26rem">
            <Figure
              found={found}
              actions={
                <Segmented
                  label="Traffic of the last"
                  value={window}
                  choices={Object.keys(INDEX_WINDOWS).flatMap((name) =>
                    WINDOWS.filter((one) => one === name).map((one) => ({ value: one, label: one })),
                  )}
                  onChange={setWindow}
                />
              }
            />
            <IndexHistory />
          </Columns>
          <LayerTable found={found} />
          <LayerDetail found={found} />
          <Columns least="22rem">
            <Improvements found={found} />
            <Clusters found={found} />
          </Columns>
        </>
      )}
    </Answered>
  );
}

function Figure({ found, actions }: { readonly found: Decentralisation; readonly actions: ReactNode }) {
  const { index, interval, layers, weakest, withSetAside, formula } = found;
  const counted = layers.filter(({ state }) => state === "counted");
  const worst = layers.find(({ name }) => name === weakest);
  return (
    <Panel title="Depinfer index" explain={formula} actions={actions}>
      {index === null ? (
        <Empty title="No data">
          <p>Nothing was seen in this time that an index could be made of. It fills in with providers and requests.</p>
          <ButtonLink to="/playground" small>
            Ask something
          </ButtonLink>
        </Empty>
      ) : (
        <>
          <p className={styles.figure}>
            <output className={styles.value}>{index.toFixed(1)}</output> of 100
          </p>
          <meter className={styles.meter} min={0} max={100} value={index} aria-label="Depinfer index">
            {index.toFixed(1)}
          </meter>
          <Stats>
            <Stat
              label="95 % interval"
              explain="What was paid is a sample: with few requests the figure could be another. What is counted whole, such as capacity, has no interval."
            >
              {interval === null ? "counted whole" : `${interval.low.toFixed(1)} to ${interval.high.toFixed(1)}`}
            </Stat>
            <Stat label="Weakest layer" explain="The layer that the fewest hold up, for what it needs.">
              {worst?.title ?? "none"}
            </Stat>
            <Stat
              label="Counted"
              explain="Layers without data say nothing, which is no sign that they are well spread: they could hide anything."
            >
              {counted.length} of {plural(layers.length, "layer")}
            </Stat>
            {withSetAside !== null && layers.some(({ state }) => state === "set aside") && (
              <Stat
                label="With those set aside"
                explain="Whoever runs this indexer left some layers out and says why; this is the figure with them."
              >
                {withSetAside.toFixed(1)}
              </Stat>
            )}
          </Stats>
          {worst !== undefined && (
            <p>
              {worst.clustered.nc33 === 1
                ? `One owner has ${percent(worst.largest[0]?.share ?? 0)} of ${worst.title.toLowerCase()}, which is enough to hold it up.`
                : `${worst.clustered.nc33 ?? 0} owners together have more than a third of ${worst.title.toLowerCase()}.`}
            </p>
          )}
        </>
      )}
    </Panel>
  );
}
