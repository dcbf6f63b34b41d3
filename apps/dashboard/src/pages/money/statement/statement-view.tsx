import { type GatewayStatement, gatewayApi } from "@depinfer/protocol/api";
import { useMutation } from "@tanstack/react-query";
import { useMemo } from "react";
import { useConnection } from "../../../api/connection.tsx";
import { useEndpoint } from "../../../api/use-endpoint.ts";
import { plotUsd } from "../../../format/money.ts";
import { count } from "../../../format/number.ts";
import { Button } from "../../../ui/button.tsx";
import { Select, TextField } from "../../../ui/field.tsx";
import { Money, Stat, Stats, useNow } from "../../../ui/figures.tsx";
import { Panel } from "../../../ui/panel.tsx";
import { Plot } from "../../../ui/plot.tsx";
import { Answered, Empty, Failure } from "../../../ui/state.tsx";
import { oneOf, useUrlState } from "../../../ui/url-state.ts";
import styles from "../money.module.css";
import { downloadStatement } from "./download.ts";
import { KeyPanel } from "./key-panel.tsx";
import { LinesTable } from "./lines-table.tsx";
import { dayOf, dayTick, isDay, perDay, RANGES, rangeFault, rangeOf } from "./range.ts";

const EVERY_MS = 10_000;
/** Units below which dollars are a poor unit. */
const CENT = 10_000n;
/** Of the plot: a single bar tells nothing. */
const LEAST_DAYS = 7;

/** What this key has bought. */
export function StatementView() {
  return (
    <div className={styles.stack}>
      <KeyPanel />
      <StatementPanel />
    </div>
  );
}

function StatementPanel() {
  const connection = useConnection();
  const [name, setName] = useUrlState("range", "30d");
  const [from, setFrom] = useUrlState("from", "");
  const [to, setTo] = useUrlState("to", "");
  const chosen = oneOf(name, RANGES);
  // A statement begins with a day, so that it is asked for anew at midnight and not each second.
  const today = dayOf(useNow());
  const range = useMemo(() => rangeOf(chosen, Date.parse(today), { from, to }), [chosen, today, from, to]);
  const fault = rangeFault(range);
  const query = useEndpoint("gateway", gatewayApi.statement, {
    query: range,
    every: EVERY_MS,
    enabled: fault === null,
  });
  const download = useMutation({ mutationFn: () => downloadStatement(connection.server("gateway"), range) });

  return (
    <Panel
      title="Statement"
      explain="What was bought with this key, as the gateway's ledger has it: each request once, on the day (UTC) on which it began. Every request's receipt can be checked."
      actions={
        <Button small icon="download" disabled={fault !== null || download.isPending} onClick={() => download.mutate()}>
          Download CSV
        </Button>
      }
    >
      <div className={styles.group}>
        <Select
          label="Range"
          value={chosen}
          choices={[
            { value: "7d", label: "Last 7 days" },
            { value: "30d", label: "Last 30 days" },
            { value: "month", label: "This month" },
            { value: "all", label: "Everything" },
            { value: "custom", label: "From … to …" },
          ]}
          onChange={setName}
        />
        {chosen === "custom" && (
          <>
            <TextField
              label="First day (UTC)"
              type="date"
              value={isDay(from) ? from : ""}
              fault={fault}
              onChange={({ target }) => setFrom(target.value)}
            />
            <TextField
              label="Last day (UTC)"
              type="date"
              value={isDay(to) ? to : ""}
              onChange={({ target }) => setTo(target.value)}
            />
          </>
        )}
      </div>
      {download.error !== null && <Failure error={download.error} />}
      {fault === null && (
        <Answered query={query} lines={10} what="the statement">
          {(statement) => <Statement statement={statement} />}
        </Answered>
      )}
    </Panel>
  );
}

function Statement({ statement }: { readonly statement: GatewayStatement }) {
  const { lines, total } = statement;
  const days = useMemo(() => perDay(lines, LEAST_DAYS), [lines]);
  const small = days.every(({ cost }) => cost < CENT);
  if (lines.length === 0) {
    return (
      <Empty title="Nothing was bought in this time">
        <span>Ask something in the playground, or choose a longer range.</span>
      </Empty>
    );
  }
  return (
    <>
      <Stats>
        <Stat label="Cost" explain="What providers were paid, to the unit.">
          <Money units={total.cost} />
        </Stat>
        <Stat label="Requests">{count(total.requests)}</Stat>
        <Stat label="Prompt tokens" note={`${count(total.cachedTokens)} cached`}>
          {count(total.promptTokens)}
        </Stat>
        <Stat label="Output tokens">{count(total.outputTokens)}</Stat>
      </Stats>
      <h3 className={styles.small}>{small ? "Units per day (1,000,000 are a dollar), UTC" : "Dollars per day, UTC"}</h3>
      <Plot
        label="Cost per day"
        wholeX
        x={days.map(({ day }) => day)}
        series={[
          {
            label: "Cost",
            look: "bars",
            colour: "--series-3",
            values: days.map(({ cost }) => (small ? Number(cost) : plotUsd(cost))),
          },
        ]}
        xTitle="Day"
        formatX={dayTick}
        formatY={(cost) => (small ? count(cost) : `$${cost.toFixed(2)}`)}
      />
      <LinesTable lines={lines} />
    </>
  );
}
