import type { Decentralisation } from "@depinfer/protocol/api";
import { plural } from "../../format/number.ts";
import { Id } from "../../ui/figures.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Empty } from "../../ui/state.tsx";
import styles from "./concentration.module.css";

const KINDS = {
  owner: "the same owner signed for them",
  payout: "most of what they earned went to the same account",
  "network and timing": "the same network, and they came and went together",
} as const;
const MOST_NAMES = 20;

/** Which providers are taken for one owner, and on what evidence. */
export function Clusters({ found: { clusters } }: { readonly found: Decentralisation }) {
  return (
    <Panel
      title="Who is one"
      explain="Joined on public evidence only. Who hides it looks like several, so that figures over owners are a bound from above."
    >
      {clusters.length === 0 ? (
        <Empty title="No two providers are known to belong together" />
      ) : (
        <ul className={styles.clusters}>
          {clusters.map(({ id, ids, evidence }) => (
            <li key={id}>
              <strong>{plural(ids.length, "provider")}</strong>
              <span className={styles.names}>
                {ids.slice(0, MOST_NAMES).map((one) => (
                  <Id key={one} id={one} to={`/market/providers/${one}`} />
                ))}
                {ids.length > MOST_NAMES && `and ${ids.length - MOST_NAMES} more`}
              </span>
              {evidence.map(({ kind, value }) => (
                <small key={`${kind} ${value}`}>
                  {KINDS[kind]}: {value.startsWith("0x") ? <Id id={value} /> : value}
                </small>
              ))}
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
