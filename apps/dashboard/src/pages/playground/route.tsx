import { gatewayApi } from "@depinfer/protocol/api";
import { useEndpoint } from "../../api/use-endpoint.ts";
import { plural } from "../../format/number.ts";
import { Badge } from "../../ui/badge.tsx";
import { Id } from "../../ui/figures.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Answered } from "../../ui/state.tsx";
import styles from "./playground.module.css";

const KINDS = {
  first: "asked",
  retry: "asked after another one failed",
  hedge: "asked as a second one, because the first was slow",
  continuation: "went on where another one broke off",
} as const;

/** Who was asked, what came of it, and why nobody else was. */
export function Route({ id }: { readonly id: string }) {
  const query = useEndpoint("gateway", gatewayApi.why, { params: { id } });
  return (
    <Panel
      title="Who answered"
      explain="Among providers that satisfy your policy one is drawn by its free slots: two are drawn, the less busy one is asked."
    >
      <Answered query={query} lines={4} what="who answered">
        {({ attempts }) => (
          <>
            {attempts.some(({ kind }) => kind === "continuation") && (
              <p>
                This answer came from several nodes: when one broke off, another one went on from the last signed token,
                with the same seed.
              </p>
            )}
            <ol className={styles.attempts}>
              {attempts.map(({ provider, kind, at, outcome, others }) => (
                <li key={`${provider} ${at}`}>
                  <span>
                    <Id id={provider} to={`/market/providers/${provider}`} /> {KINDS[kind]}{" "}
                    <Badge tone={outcome === "answered" ? "proof" : outcome === "under way" ? "unsure" : "fail"}>
                      {outcome === "answered" || outcome === "under way" ? outcome : "did not finish"}
                    </Badge>
                  </span>
                  {outcome !== "answered" && outcome !== "under way" && (
                    <span className={styles.reason}>{outcome.slice(0, 300)}</span>
                  )}
                  {others.length > 0 && (
                    <details>
                      <summary>{plural(others.length, "other offer")} not taken, and why</summary>
                      <ul>
                        {others.map((other) => (
                          <li key={other.peer}>
                            <Id id={other.provider} to={`/market/providers/${other.provider}`} />{" "}
                            {other.reason.slice(0, 200)}
                          </li>
                        ))}
                      </ul>
                    </details>
                  )}
                </li>
              ))}
            </ol>
          </>
        )}
      </Answered>
    </Panel>
  );
}
