import { useState } from "react";
import { usd } from "../../format/money.ts";
import { plural } from "../../format/number.ts";
import { Button } from "../../ui/button.tsx";
import styles from "./learn.module.css";
import { Figure, Prose, TryIt } from "./parts.tsx";

const DEPOSIT = 1_000_000n;
/** What an imagined answer costs, in units. */
const ANSWER_COST = 21_400n;
const WIDTH = 600;

export function MoneyTopic() {
  const [answers, setAnswers] = useState(0);
  const [settled, setSettled] = useState(0n);
  const [transactions, setTransactions] = useState(1);
  const owed = ANSWER_COST * BigInt(answers);
  const share = (units: bigint) => (Number(units) / Number(DEPOSIT)) * WIDTH;
  return (
    <>
      <Prose>
        <p>
          A buyer locks money in a <strong>channel</strong> to a provider. After each answer it signs a{" "}
          <strong>voucher</strong>: “you may take this much in all”. The newest voucher replaces all before it, so that
          thousands of answers cost one transaction, and nobody ever owes more than one answer.
        </p>
      </Prose>
      <Figure
        caption={
          <span aria-live="polite">
            {plural(answers, "answer")}, newest voucher {usd(owed)}, taken by the provider {usd(settled)}, still the
            buyer's {usd(DEPOSIT - owed)}. {plural(transactions, "transaction")} on the chain so far.
          </span>
        }
      >
        <svg viewBox={`0 0 ${WIDTH} 56`} role="img" aria-label="The deposit as a bar: taken, promised, free">
          <rect width={WIDTH} height="32" rx="6" fill="var(--sunken)" stroke="var(--line-strong)" />
          <rect width={share(owed)} height="32" rx="6" fill="var(--money)" opacity="0.45" />
          <rect width={share(settled)} height="32" rx="6" fill="var(--proof)" />
          <text x="0" y="52" fontSize="13" fill="var(--ink-2)">
            {usd(0n)}
          </text>
          <text x={WIDTH} y="52" fontSize="13" fill="var(--ink-2)" textAnchor="end">
            {usd(DEPOSIT)} deposit
          </text>
        </svg>
        <div className={styles.controls}>
          <Button
            kind="primary"
            disabled={owed + ANSWER_COST > DEPOSIT}
            onClick={() => setAnswers((before) => before + 1)}
          >
            One more answer
          </Button>
          <Button
            disabled={settled === owed}
            onClick={() => {
              setSettled(owed);
              setTransactions((before) => before + 1);
            }}
          >
            Provider claims
          </Button>
          <Button
            kind="quiet"
            onClick={() => {
              setAnswers(0);
              setSettled(0n);
              setTransactions(1);
            }}
          >
            Begin again
          </Button>
        </div>
      </Figure>
      <Prose>
        <p>
          Every amount is a whole number of units, a millionth of a dollar; fractions are always the buyer's. If the
          provider vanishes, the buyer takes the rest back after a notice. If the buyer vanishes, the provider claims
          the newest voucher. Neither needs the other.
        </p>
      </Prose>
      <TryIt to="/money" icon="money" label="Follow the money">
        See every unit of this network, where it lies and what frees it.
      </TryIt>
    </>
  );
}
