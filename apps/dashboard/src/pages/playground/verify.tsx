import { useEffect, useRef, useState } from "react";
import { useConnection } from "../../api/connection.tsx";
import { count, plural } from "../../format/number.ts";
import { chance, nats } from "../../format/proof.ts";
import { duration } from "../../format/time.ts";
import { VerdictBadge } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { Copy, Stat, Stats } from "../../ui/figures.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Plot } from "../../ui/plot.tsx";
import { Failure } from "../../ui/state.tsx";
import styles from "./playground.module.css";
import { STARTED, type Verification, type VerifyVerdict, verifyAnswer } from "./verify-stream.ts";

/** Has the answer's tokens computed again on the reader's own machine, and shows it as it happens. */
export function Verify({ id, ready }: { readonly id: string; readonly ready: boolean }) {
  const { has, server } = useConnection();
  const [verification, setVerification] = useState<Verification | null>(null);
  const [error, setError] = useState<unknown>(null);
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);
  const busy = verification !== null && verification.phase !== "done" && error === null;

  async function start(): Promise<void> {
    const controller = new AbortController();
    running.current = controller;
    setError(null);
    setVerification(STARTED);
    try {
      const servers = { gateway: server("gateway"), console: server("console") };
      await verifyAnswer(servers, id, setVerification, controller.signal);
    } catch (thrown) {
      if (controller.signal.aborted) {
        setVerification(null);
      } else {
        setError(thrown);
      }
    }
  }

  return (
    <Panel
      title="Proof"
      explain="This machine computes the likelihoods of every token again with the class's weights, adds the noise of the agreed seed, and sees whether the same tokens win."
    >
      {has("console") ? (
        <div className={styles.row}>
          <p>Compute the answer again on this machine, and hold each token against the seed.</p>
          {busy ? (
            <Button small onClick={() => running.current?.abort()}>
              Cancel
            </Button>
          ) : (
            <Button kind="primary" icon="proofs" disabled={!ready} onClick={() => void start()}>
              Verify now
            </Button>
          )}
        </div>
      ) : (
        <div>
          <p>Static pages cannot compute an answer again. On a machine with the command line:</p>
          <pre className={styles.code}>
            npx depinfer verify {id} <Copy text={`npx depinfer verify ${id}`} what="command" />
          </pre>
        </div>
      )}
      {error !== null && <Failure error={error} retry={() => void start()} />}
      {verification !== null && error === null && <Shown verification={verification} />}
    </Panel>
  );
}

function Shown({
  verification: { phase, ahead, scored, tokens, margins, informative, verdict },
}: {
  readonly verification: Verification;
}) {
  const share = tokens === 0 ? 0 : scored / tokens;
  const threshold = verdict?.threshold ?? null;
  return (
    <div className={styles.verdict}>
      {verdict === null ? (
        <>
          <p role="status">
            {phase === "queued" && `Waiting: ${plural(ahead, "other verification")} first`}
            {phase === "loading" && "Loading the weights…"}
            {phase === "scoring" && `Computed ${count(scored)} of ${plural(tokens, "token")}`}
          </p>
          <div
            className={styles.bar}
            role="progressbar"
            aria-label="Tokens computed"
            aria-valuemin={0}
            aria-valuemax={tokens}
            aria-valuenow={scored}
          >
            <i style={{ width: `${share * 100}%` }} />
          </div>
        </>
      ) : (
        <Outcome verdict={verdict} />
      )}
      {margins.length > 0 && (
        <>
          <Plot
            label="Margin of each token: how far from winning the draw the answer's token was"
            height={180}
            x={margins.map((_, index) => index + 1)}
            series={[
              {
                label: "margin",
                values: margins.map((margin, index) => (informative[index] === false && margin === 0 ? null : margin)),
                look: "points",
              },
              ...(threshold === null
                ? []
                : [
                    {
                      label: "weakest known cheat, mean",
                      values: margins.map(() => threshold.clip * threshold.weakestCheatRate),
                      dashed: true,
                      colour: "--fail" as const,
                    },
                  ]),
            ]}
            rangeY={[-0.1, Math.max(threshold?.clip ?? 0.5, ...margins) * 1.1]}
            formatY={(value) => value.toPrecision(2)}
            wholeX
            xTitle="token"
            yTitle="nats"
          />
          <p className={styles.meta}>
            {count(informative.filter(Boolean).length)} of {plural(margins.length, "token")} could have told a cheat. At
            0 the answer's token is the one that the seed draws; above 0 another one should have been said.
          </p>
        </>
      )}
    </div>
  );
}

function Outcome({ verdict }: { readonly verdict: VerifyVerdict }) {
  const { statistic, pValue, falsePass, tokensNeeded, milliseconds, threshold } = verdict;
  return (
    <>
      <p role="status" style={{ fontSize: "var(--step-1)" }}>
        <VerdictBadge verdict={verdict.verdict} /> {verdict.reason}
      </p>
      <Stats>
        <Stat
          label="Mismatches"
          note={`of ${count(statistic.informative)} informative`}
          explain="Tokens that are not the ones that seed and weights draw."
        >
          {count(statistic.mismatches)}
        </Stat>
        <Stat label="Mean margin" explain="How far from winning, over all informative tokens.">
          {nats(statistic.meanMargin)}
        </Stat>
        {pValue !== null && (
          <Stat
            label="Chance if honest"
            explain={`At most this likely would an honest provider look at least this bad. Below ${chance(threshold?.falsePositiveRate ?? 1e-4)} it is called a failure.`}
          >
            {chance(pValue)}
          </Stat>
        )}
        {falsePass !== null && (
          <Stat
            label="Chance if it cheated"
            explain="So likely would the weakest cheat that was measured have passed on these tokens too. More tokens make it smaller."
          >
            {chance(falsePass)}
          </Stat>
        )}
        {tokensNeeded !== null && (
          <Stat label="Still needed" explain="Informative tokens of this provider after which it would be judged.">
            {count(Math.ceil(tokensNeeded))}
          </Stat>
        )}
        <Stat label="Took">{duration(milliseconds)}</Stat>
      </Stats>
    </>
  );
}
