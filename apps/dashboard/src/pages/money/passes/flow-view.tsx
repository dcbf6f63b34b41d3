import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect, useRef, useSyncExternalStore } from "react";
import { count } from "../../../format/number.ts";
import { Badge } from "../../../ui/badge.tsx";
import { Button } from "../../../ui/button.tsx";
import { Id, Money } from "../../../ui/figures.tsx";
import { Icon } from "../../../ui/icon.tsx";
import { Failure } from "../../../ui/state.tsx";
import styles from "../money.module.css";
import { coins } from "./arithmetic.ts";
import type { Flow, Step, StepState, StepStatus } from "./flow.ts";

const STATUS_TEXT: Readonly<Record<StepStatus, string>> = {
  waiting: "to do",
  asking: "asking the wallet",
  pending: "waiting for a block",
  done: "done",
  failed: "stopped",
};

/** The steps of a deal: what each one signs and costs, how far it is, and a way to go on where it stopped. */
export function FlowView({
  title,
  flow,
  test,
  danger = false,
  onClose,
  children,
}: {
  readonly title: string;
  readonly flow: Flow;
  /** Signed by the test wallet. */
  readonly test: boolean;
  readonly danger?: boolean;
  readonly onClose: () => void;
  /** What has to be read before. */
  readonly children?: ReactNode;
}) {
  const states = useSyncExternalStore(flow.subscribe, flow.states);
  const client = useQueryClient();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);

  const running = states.some(({ status }) => status === "asking" || status === "pending");
  const done = states.every(({ status }) => status === "done");
  const failed = states.findIndex(({ status }) => status === "failed");
  const started = states.some(({ status }) => status !== "waiting");
  const next = states.findIndex(({ status }) => status !== "done");

  return (
    <section className={styles.deal} aria-label={title}>
      <h3 ref={heading} tabIndex={-1}>
        {title} {test && <Badge tone="unsure">TEST money</Badge>}
      </h3>
      {children}
      <ol className={styles.steps}>
        {flow.steps.map((step, index) => {
          const state = states[index];
          return state === undefined ? null : (
            <StepLine key={step.id} step={step} state={state} number={index + 1} estimates={index === next} />
          );
        })}
      </ol>
      <p className="visually-hidden" aria-live="polite">
        {done
          ? `${title}: done`
          : flow.steps
              .map(({ title: name }, index) => `${name}: ${STATUS_TEXT[states[index]?.status ?? "waiting"]}`)
              .join(". ")}
      </p>
      <div className={styles.actions}>
        {!done && (
          <Button
            kind={danger ? "danger" : "primary"}
            disabled={running}
            onClick={() => void flow.run().then(() => client.invalidateQueries())}
          >
            {running
              ? "Under way…"
              : failed !== -1
                ? `Try step ${failed + 1} again`
                : started
                  ? "Go on"
                  : `${title} now`}
          </Button>
        )}
        <Button kind={done ? "primary" : "quiet"} disabled={running} onClick={onClose}>
          {done ? "Close" : started ? "Stop here" : "Not now"}
        </Button>
        {done && (
          <span role="status">
            <Icon name="check" size={16} /> All steps are done.
          </span>
        )}
      </div>
    </section>
  );
}

function StepLine({
  step,
  state,
  number,
  estimates,
}: {
  readonly step: Step;
  readonly state: StepState;
  readonly number: number;
  readonly estimates: boolean;
}) {
  const { status, transaction, note, fault } = state;
  return (
    <li className={styles.step} data-status={status}>
      <span className={styles.number} aria-hidden="true">
        {status === "done" ? <Icon name="check" size={16} /> : number}
      </span>
      <div className={styles.body}>
        <div className={styles.line}>
          <strong>{step.title}</strong>
          <span className={styles.small}>{STATUS_TEXT[status]}</span>
        </div>
        <span className={styles.small}>{step.signs}</span>
        <div className={styles.line}>
          <span className={styles.small}>
            {step.costs === null ? (
              "Moves no dollars"
            ) : (
              <>
                Costs <Money units={step.costs} />
              </>
            )}
            {" · "}
            <Gas step={step} state={state} estimates={estimates} />
          </span>
          {transaction !== null && <Id id={transaction} to={`/explorer/tx/${transaction}`} />}
        </div>
        {note !== null && <span className={styles.small}>{note}</span>}
        {fault !== null && <Failure error={fault} />}
      </div>
    </li>
  );
}

function Gas({
  step,
  state,
  estimates,
}: {
  readonly step: Step;
  readonly state: StepState;
  readonly estimates: boolean;
}) {
  const { estimate } = step;
  const { data, error } = useQuery({
    queryKey: ["wallet gas", step.id, step.signs],
    queryFn: async () => estimate?.() ?? null,
    enabled: estimates && estimate !== null && state.status !== "done",
    retry: false,
  });
  if (state.gasUsed !== null) {
    return <>used {count(state.gasUsed)} gas</>;
  }
  if (step.id === "sign" || step.id === "unbind") {
    return <>no gas</>;
  }
  if (data !== null && data !== undefined) {
    const { gas, price } = data;
    return (
      <>
        about {count(gas)} gas{price === null ? ", whose price this wallet does not tell" : `, ${coins(gas * price)}`}
      </>
    );
  }
  return <>{error === null ? "gas is estimated by your wallet when it asks" : "gas cannot be estimated now"}</>;
}
