import { gatewayApi } from "@depinfer/protocol/api";
import { useEndpoint } from "../../../api/use-endpoint.ts";
import { count, percent } from "../../../format/number.ts";
import { dateTime } from "../../../format/time.ts";
import { Fact, Facts, Money, Stat, Stats } from "../../../ui/figures.tsx";
import { Panel } from "../../../ui/panel.tsx";
import { Answered } from "../../../ui/state.tsx";
import styles from "../money.module.css";
import { usedShare } from "../passes/arithmetic.ts";

const EVERY_MS = 5_000;

/** What the key of this page may do and has spent. */
export function KeyPanel() {
  const query = useEndpoint("gateway", gatewayApi.key, { every: EVERY_MS });
  return (
    <Panel
      title="This API key"
      explain="As the gateway knows it. Limits and budget are set by whoever runs the gateway, with depinfer key."
    >
      <Answered query={query} lines={5} what="the key">
        {({ name, budget, spent, requests, tokens, limits, scopes, expiresAt, pass }) => (
          <>
            <Stats>
              <Stat
                label="Spent"
                explain="With what requests under way may still cost. What a pass paid is in it at the pass's price."
              >
                <Money units={spent} />
              </Stat>
              <Stat label="Budget" note={budget === null ? undefined : `${percent(spentShare(spent, budget))} used`}>
                {budget === null ? "no limit" : <Money units={budget} />}
              </Stat>
              <Stat label="Requests">{count(requests)}</Stat>
              <Stat label="Tokens">{count(tokens)}</Stat>
            </Stats>
            {budget !== null && (
              <div
                className={styles.meter}
                role="img"
                aria-label={`${percent(spentShare(spent, budget))} of the budget is spent`}
              >
                <span style={{ width: `${spentShare(spent, budget) * 100}%` }} />
              </div>
            )}
            <Facts>
              <Fact label="Name">{name.slice(0, 120)}</Fact>
              <Fact label="May">{scopes.join(", ").slice(0, 400) || "nothing"}</Fact>
              <Fact label="Requests a minute">{limitText(limits.requestsPerMinute)}</Fact>
              <Fact label="Tokens a minute">{limitText(limits.tokensPerMinute)}</Fact>
              <Fact label="At a time">{limitText(limits.concurrent)}</Fact>
              <Fact label="Expires">{expiresAt === null ? "never" : dateTime(expiresAt)}</Fact>
              <Fact label="Paid by">{pass === null ? "the gateway's wallet" : `pass ${pass}`}</Fact>
            </Facts>
          </>
        )}
      </Answered>
    </Panel>
  );
}

function spentShare(spent: bigint, budget: bigint): number {
  return usedShare({ granted: budget, remaining: budget - spent });
}

function limitText(limit: number | null): string {
  return limit === null ? "no limit" : count(limit);
}
