import { effectiveNumber, gini, lorenzCurve, nakamotoCoefficient } from "@depinfer/economics";
import { useMemo, useState } from "react";
import { percent } from "../../format/number.ts";
import { Segmented } from "../../ui/field.tsx";
import { Stat, Stats } from "../../ui/figures.tsx";
import { Plot } from "../../ui/plot.tsx";
import { Range } from "../../ui/range.tsx";
import styles from "./learn.module.css";
import { Figure, Prose, TryIt } from "./parts.tsx";

/** Providers of the example. */
const PROVIDERS = 40;

/** Earnings of providers under two rules, largest owner first. */
function earnings(rule: "stake" | "work", whale: number, identities: number): readonly number[] {
  const rest = Array.from({ length: PROVIDERS - 1 }, (_, index) => 1 / (index + 2));
  const sum = rest.reduce((total, share) => total + share, 0);
  const others = rest.map((share) => ((1 - whale) * share) / sum);
  // Paid by stake, more names with the same stake may each collect a floor; paid by work, the same machines earn the same.
  const bonus = rule === "stake" ? (identities - 1) * 0.01 : 0;
  const owner = Math.min(0.95, whale + bonus);
  return [owner, ...others.map((share) => (share * (1 - owner)) / (1 - whale))];
}

export function ConcentrationTopic() {
  const [rule, setRule] = useState<"stake" | "work">("stake");
  const [whale, setWhale] = useState(0.3);
  const [identities, setIdentities] = useState(10);
  const shown = useMemo(() => {
    const amounts = earnings(rule, whale, identities);
    const curve = lorenzCurve(amounts) ?? [];
    return {
      gini: gini(amounts),
      effective: effectiveNumber(amounts),
      nakamoto: nakamotoCoefficient(amounts, 0.5),
      x: curve.map(({ entities }) => entities),
      y: curve.map(({ amount }) => amount),
      share: amounts[0] ?? 0,
    };
  }, [rule, whale, identities]);
  return (
    <>
      <Prose>
        <p>
          Many networks promised to spread power and ended with a few accounts that hold most of it. Depinfer measures
          how concentrated work and money are, all the time, and pays so that <strong>splitting into many names</strong>
          , merging, or holding stake buys nothing: work is drawn by free slots, and pay is linear in verified work.
        </p>
      </Prose>
      <Figure caption="An invented example of 40 owners; the measures are the network's own. The dashed line is equality.">
        <div className={styles.controls}>
          <Segmented
            label="What is paid for"
            value={rule}
            choices={[
              { value: "stake", label: "Names and stake" },
              { value: "work", label: "Verified work" },
            ]}
            onChange={setRule}
          />
          <Range
            label="Capacity of the largest owner"
            value={whale}
            text={percent(whale, 0)}
            min={0.05}
            max={0.8}
            step={0.01}
            onChange={setWhale}
          />
          <Range
            label="Names it splits into"
            value={identities}
            text={String(identities)}
            min={1}
            max={40}
            step={1}
            onChange={setIdentities}
          />
        </div>
        <Stats>
          <Stat
            label="It earns"
            explain="Part of all earnings that goes to the largest owner, under all its names together."
          >
            {percent(shown.share)}
          </Stat>
          <Stat label="Gini" explain="0 when all earn alike, 1 when one earns everything.">
            {shown.gini?.toFixed(3) ?? "no data"}
          </Stat>
          <Stat
            label="Effective number"
            explain="How many equal owners would be as concentrated: 10,000 divided by the Herfindahl–Hirschman index."
          >
            {shown.effective?.toFixed(1) ?? "no data"}
          </Stat>
          <Stat label="Nakamoto coefficient" explain="How few owners together have more than half.">
            {shown.nakamoto ?? "no data"}
          </Stat>
        </Stats>
        <Plot
          label="Lorenz curve: part of all earnings that the poorest part of the owners has"
          x={shown.x}
          series={[
            { label: "earnings", values: shown.y, look: "area" },
            { label: "equality", values: shown.x, dashed: true, colour: "--ink-3" },
          ]}
          rangeY={[0, 1]}
          formatX={(value) => percent(value, 0)}
          formatY={(value) => percent(value, 0)}
          xTitle="owners, poorest first"
        />
      </Figure>
      <Prose>
        <p>
          Paid by work, the number of names changes nothing: move the last slider and look. That is not a promise but a
          theorem with a test; capacity itself can still be concentrated, which is why it is measured and shown.
        </p>
      </Prose>
      <TryIt to="/market?tab=providers" icon="market" label="See who earns here">
        Look at the providers of this network, and what part of the earnings each has.
      </TryIt>
    </>
  );
}
