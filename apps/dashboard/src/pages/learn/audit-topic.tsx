import { useMemo, useState } from "react";
import { count, percent } from "../../format/number.ts";
import { chance } from "../../format/proof.ts";
import { Plot } from "../../ui/plot.tsx";
import { Range } from "../../ui/range.tsx";
import styles from "./learn.module.css";
import { Figure, Prose, TryIt } from "./parts.tsx";

const MOST_ANSWERS = 400;

export function AuditTopic() {
  const [audited, setAudited] = useState(0.05);
  const [noticed, setNoticed] = useState(0.9);
  const [cheated, setCheated] = useState(1);
  const each = audited * noticed * cheated;
  const { x, values } = useMemo(() => {
    const answers = Array.from({ length: MOST_ANSWERS + 1 }, (_, index) => index);
    return { x: answers, values: answers.map((answer) => 1 - (1 - each) ** answer) };
  }, [each]);
  const half = each === 0 ? null : Math.ceil(Math.log(0.5) / Math.log(1 - Math.min(each, 0.999999)));
  return (
    <>
      <Prose>
        <p>
          Which receipts are audited is drawn <strong>after</strong> their provider has committed to all of them, from a
          number of the chain that nobody knew before. So nobody can behave for the audited ones only. Validators buy
          answers themselves too, which look like any other.
        </p>
      </Prose>
      <Figure
        caption={
          half === null
            ? "Nothing is audited, or nothing is cheated on: nothing is found."
            : `Each answer is a risk of ${chance(each)}. After ${count(half)} answers it is as likely as not that the cheat was seen.`
        }
      >
        <div className={styles.controls}>
          <Range
            label="Share of answers audited"
            value={audited}
            text={percent(audited, 0)}
            min={0}
            max={0.3}
            step={0.01}
            onChange={setAudited}
          />
          <Range
            label="Chance that an audit sees the cheat"
            value={noticed}
            text={percent(noticed, 0)}
            min={0.05}
            max={1}
            step={0.05}
            onChange={setNoticed}
          />
          <Range
            label="Answers that are cheated on"
            value={cheated}
            text={percent(cheated, 0)}
            min={0}
            max={1}
            step={0.05}
            onChange={setCheated}
          />
        </div>
        <Plot
          label="Chance that a cheat has been seen, by the number of its answers"
          x={x}
          series={[{ label: "seen", values, look: "area" }]}
          rangeY={[0, 1]}
          formatY={(value) => percent(value, 0)}
          xTitle="answers"
        />
      </Figure>
      <Prose>
        <p>
          What an audit sees depends on how long the answers are and how far the cheat goes; the measured curves are on
          the page of proofs. A verdict alone takes nobody's money: a <strong>dispute</strong> draws a jury that
          computes again, votes hidden, and pays buyer and reporter from the cheat's stake. Accusers pay when they are
          wrong.
        </p>
      </Prose>
      <TryIt to="/proofs?tab=detection" icon="proofs" label="Measured detection curves">
        Compare what each known cheat looks like after 64, 256 and 512 tokens.
      </TryIt>
    </>
  );
}
