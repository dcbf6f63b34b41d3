import { indexerApi } from "@depinfer/protocol/api";
import { useMemo } from "react";
import { Link } from "react-router";
import { useRecentEvents } from "../../api/live.tsx";
import { useEndpoint } from "../../api/use-endpoint.ts";
import { Badge } from "../../ui/badge.tsx";
import { ButtonLink } from "../../ui/button.tsx";
import { When } from "../../ui/figures.tsx";
import { Answered, Empty } from "../../ui/state.tsx";
import { auditHappening, happeningOf, receiptHappening, TOLD } from "./happenings.ts";
import styles from "./overview.module.css";

const SHOWN = 30;

/** The latest events in words; those that were there before this page was opened come from the lists. */
export function Activity() {
  const recent = useRecentEvents(TOLD);
  const query = useEndpoint("indexer", indexerApi.receipts, { query: { limit: SHOWN } });
  const audits = useEndpoint("indexer", indexerApi.audits, { query: { limit: SHOWN } });
  const live = useMemo(() => recent.map(happeningOf).filter((one) => one !== null), [recent]);
  return (
    <Answered query={query} lines={8} what="what happened">
      {({ data }) => {
        const known = new Set(live.map(({ to, kind }) => `${kind} ${to}`));
        const before = [
          ...data.map((row, index) => receiptHappening(row, { key: -1 - index, at: row.receipt.receipt.finishedAt })),
          ...(audits.data?.data ?? []).map((row, index) =>
            auditHappening(row, { key: -1_001 - index, at: row.at ?? 0 }),
          ),
        ].filter(({ kind, to }) => !known.has(`${kind} ${to}`));
        const shown = [...live, ...before.toSorted((a, b) => b.at - a.at)].slice(0, SHOWN);
        if (shown.length === 0) {
          return (
            <Empty title="Nothing yet">
              <p>A first answer appears here as soon as its epoch is posted.</p>
              <ButtonLink to="/playground" icon="playground">
                Be the first
              </ButtonLink>
            </Empty>
          );
        }
        return (
          <ul className={styles.activity}>
            {shown.map(({ key, at, kind, tone, text, to }) => (
              <li key={key}>
                <Badge tone={tone} dot>
                  {kind}
                </Badge>
                <Link to={to}>{text}</Link>
                <When at={at} />
              </li>
            ))}
          </ul>
        );
      }}
    </Answered>
  );
}
