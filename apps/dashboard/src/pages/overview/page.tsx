import { indexerApi } from "@depinfer/protocol/api";
import { useEffect } from "react";
import { useConnection } from "../../api/connection.tsx";
import { useEndpoint } from "../../api/use-endpoint.ts";
import { count, percent, plural } from "../../format/number.ts";
import { Money, Stat, Stats } from "../../ui/figures.tsx";
import { Columns, Panel } from "../../ui/panel.tsx";
import { Answered } from "../../ui/state.tsx";
import { Activity } from "./activity.tsx";
import { Earners } from "./earners.tsx";
import { NetworkTopology } from "./network-topology.tsx";
import styles from "./overview.module.css";
import { Pulse } from "./pulse.tsx";
import { TryIt } from "./try-it.tsx";

/** What this is, what it does right now, and a way to try it at once. */
export default function OverviewPage() {
  useEffect(() => {
    document.title = "Overview · Depinfer";
  }, []);
  return (
    <div style={{ display: "grid", gap: "var(--gap-5)" }}>
      <div className={styles.hero}>
        <div className={styles.intro}>
          <h1>AI answers that can be checked</h1>
          <p>
            Depinfer is an open market where anyone serves a model and anyone buys answers, through an API that your
            apps know already. Every answer comes with a signed receipt, from which others can compute it again: a
            provider that ran something else is found out and pays. Nobody owns the market, and how evenly its work and
            money spread is measured in the open.
          </p>
        </div>
        <TryIt />
      </div>
      <Figures />
      <Pulse />
      <Columns least="26rem">
        <Panel
          title="Nodes"
          explain="Gateways buy on behalf of apps, providers compute, validators compute again, the chain keeps money and roots. A line lights up when something happens between two of them."
        >
          <NetworkTopology />
        </Panel>
        <Panel title="What just happened" note="as the chain and receipts tell it">
          <Activity />
        </Panel>
      </Columns>
      <Earners />
    </div>
  );
}

function Figures() {
  const { has } = useConnection();
  const query = useEndpoint("indexer", indexerApi.overview, { every: 10_000, enabled: has("indexer") });
  return (
    <Panel title="The network so far" note="since its first block">
      <Answered query={query} lines={6} what="the network's figures">
        {({ total, day, providers, validators, models, locked, staked, openChannels, openDisputes }) => {
          const judged = total.audits.pass + total.audits.fail;
          return (
            <Stats>
              <Stat
                label="Requests"
                explain="Receipts whose epoch's root is on the chain. Newer ones follow when their epoch is posted."
                note={`${count(day.requests)} in 24 h`}
              >
                {count(total.requests)}
              </Stat>
              <Stat
                label="Tokens"
                explain="Output tokens in those receipts."
                note={`${count(day.outputTokens)} in 24 h`}
              >
                {count(total.outputTokens)}
              </Stat>
              <Stat
                label="Settled"
                explain="What providers have claimed from channels, in test dollars where the network is a test."
              >
                <Money units={total.settled} />
              </Stat>
              <Stat
                label="Audits passed"
                explain="Share of passes among verdicts that are pass or fail. Inconclusive ones say nothing either way."
                note={`of ${plural(judged, "verdict")}`}
              >
                {judged === 0 ? "–" : percent(total.audits.pass / judged)}
              </Stat>
              <Stat
                label="Providers"
                note={`of ${count(providers.registered)} registered`}
                explain="With an offer that has not expired."
              >
                {count(providers.online)}
              </Stat>
              <Stat label="Validators">{count(validators)}</Stat>
              <Stat label="Models">{count(models)}</Stat>
              <Stat
                label="In open channels"
                note={plural(openChannels, "channel")}
                explain="Deposits that nobody has claimed yet. They are the buyers'."
              >
                <Money units={locked} />
              </Stat>
              <Stat label="At stake" explain="What providers and validators lose when they are convicted of cheating.">
                <Money units={staked} />
              </Stat>
              <Stat label="Open disputes">{count(openDisputes)}</Stat>
            </Stats>
          );
        }}
      </Answered>
    </Panel>
  );
}
