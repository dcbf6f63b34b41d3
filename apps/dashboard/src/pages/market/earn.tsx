import { indexerApi, type MarketConditions } from "@depinfer/protocol/api";
import { useState } from "react";
import { useEndpoint } from "../../api/use-endpoint.ts";
import { count, percent, plural } from "../../format/number.ts";
import { Select, TextField } from "../../ui/field.tsx";
import { Money } from "../../ui/figures.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Answered, Empty } from "../../ui/state.tsx";
import { useUrlState } from "../../ui/url-state.ts";
import { expectedOf, faultsOf, MACHINE, type MachineText, missingOf } from "./earn.ts";
import styles from "./market.module.css";

const HOURS = { "an hour": 1n, "a day": 24n, "a month": 730n } as const;
const LINES = [
  ["revenue", "Revenue"],
  ["power", "− power"],
  ["depreciation", "− depreciation"],
  ["margin", "= margin"],
] as const;

/** What a machine would earn in this market, before somebody joins. */
export function Earn() {
  const [model, setModel] = useUrlState("model", "");
  const query = useEndpoint("indexer", indexerApi.marketConditions);
  return (
    <Panel
      title="What would my machine earn?"
      note="an estimate, from the last seven days"
      explain="Revenue less power and the machine itself, at the prices and the load that this market has now. npx depinfer margin measures the machine for you, and says what a provider earned afterwards, from its receipts."
    >
      <Answered query={query} lines={10} what="the market">
        {({ data }) => {
          const market = data.find((one) => one.model === model) ?? data[0];
          return market === undefined ? (
            <Empty title="No model was ever offered here" />
          ) : (
            <>
              <Select
                label="Model"
                value={market.model}
                choices={data.map((one) => ({ value: one.model, label: one.model.slice(0, 120) }))}
                onChange={setModel}
              />
              <Calculator market={market} />
            </>
          );
        }}
      </Answered>
    </Panel>
  );
}

function Calculator({ market }: { readonly market: MarketConditions }) {
  const [machine, setMachine] = useState(MACHINE);
  const faults = faultsOf(machine);
  const missing = missingOf(market, machine);
  const expected = expectedOf(market, machine);
  const field = (name: keyof MachineText, label: string, explain?: string) => (
    <TextField
      label={label}
      value={machine[name]}
      fault={faults[name] ?? null}
      inputMode="decimal"
      {...(explain === undefined ? {} : { explain })}
      onChange={({ target }) => setMachine((before) => ({ ...before, [name]: target.value }))}
    />
  );
  return (
    <>
      <p>
        {plural(market.requests, "request")} in seven days, {plural(market.providers, "provider")} with{" "}
        {plural(market.slots, "slot")} at present
        {market.utilisation === null ? "" : `, at work ${percent(market.utilisation)} of the time`}
        {market.promptPerOutput === null
          ? "."
          : `, ${market.promptPerOutput.toFixed(2)} prompt tokens for each token of an answer.`}
      </p>
      <div className={styles.machine}>
        {field("output", "Output tokens per second", "All its slots together.")}
        {field("prompt", "Prompt tokens per second")}
        {field("watts", "Watts at work")}
        {field("wattsIdle", "Watts idle")}
        {field("kwh", "Dollars per kilowatt-hour")}
        {field("hardware", "Dollars for the machine", "Less what it will be sold for.")}
        {field("months", "Months until it is written off")}
        {field(
          "utilisation",
          "Per cent of the time at work",
          "Left empty, the market's: as much as the slots there are now were at work.",
        )}
      </div>
      {missing !== null ? (
        <Empty title={`No figure: ${missing}`} />
      ) : expected === null ? (
        <Empty title="No figure: something above cannot be counted with" />
      ) : (
        <>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard */}
          <section className={styles.sideways} tabIndex={0} aria-label="Expected margins, scrollable">
            <table className={styles.margins}>
              <caption>Expected, at {count(expected.outputTokens)} output tokens an hour</caption>
              <thead>
                <tr>
                  <td />
                  {Object.keys(HOURS).map((per) => (
                    <th key={per} scope="col">
                      {per}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {LINES.map(([name, label]) => (
                  <tr key={name}>
                    <th scope="row">{label}</th>
                    {Object.entries(HOURS).map(([per, hours]) => (
                      <td key={per}>
                        <Money units={expected[name] * hours} />
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </section>
          <p>
            {expected.breakEvenOutputPerMillion === null ? (
              "Nothing is written at this load, so that no price would pay for the machine."
            ) : (
              <>
                It pays for itself from <Money units={expected.breakEvenOutputPerMillion} /> per million output tokens
                on; they cost <Money units={market.outputPrice ?? 0n} /> now.
              </>
            )}
          </p>
        </>
      )}
    </>
  );
}
