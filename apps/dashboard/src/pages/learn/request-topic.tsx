import { useState } from "react";
import styles from "./learn.module.css";
import { Figure, Prose, TryIt } from "./parts.tsx";

interface Stop {
  readonly name: string;
  readonly does: string;
  /** What of the prompt it can read. */
  readonly reads: string;
  readonly plain: boolean;
}

const STOPS: readonly Stop[] = [
  {
    name: "Your app",
    does: "Calls an OpenAI-compatible endpoint with an API key. No wallet, no library of ours.",
    reads: "Everything, it is yours.",
    plain: true,
  },
  {
    name: "Gateway",
    does: "Checks key, budget and policy, draws a free slot among the providers that satisfy them, pays and checks the receipt. You can run your own.",
    reads: "Everything that passes through it: choose one you trust, or run it yourself.",
    plain: true,
  },
  {
    name: "Relay, if there is one",
    does: "Carries bytes to providers that cannot be reached directly.",
    reads: "Nothing: connections are encrypted from gateway to provider.",
    plain: false,
  },
  {
    name: "Provider",
    does: "Runs the model, streams the answer, signs a receipt over prompt, tokens, seed and cost.",
    reads: "The prompt, to compute the answer. Only a hardware enclave could hide it from its operator.",
    plain: true,
  },
  {
    name: "Chain",
    does: "Sees one root over all receipts of an epoch, and claims of money. No prompts, no answers.",
    reads: "Nothing.",
    plain: false,
  },
  {
    name: "Validator, for audited answers",
    does: "Gets a transcript that is sealed to it, computes the answer's tokens again, attests pass or fail.",
    reads: "The prompt and answer of the few receipts that it was drawn for.",
    plain: true,
  },
];

export function RequestTopic() {
  const [at, setAt] = useState(0);
  const stop = STOPS[at];
  return (
    <>
      <Prose>
        <p>
          A request passes <strong>few hands</strong>. Tap each to see what it does, and what it can read. Green lines
          carry text that the hand can read; dashed ones do not.
        </p>
      </Prose>
      <Figure caption={stop === undefined ? "" : `${stop.name} can read: ${stop.reads}`}>
        <svg viewBox="0 0 640 90" role="img" aria-label="Six stations in a row, from your app to a validator">
          {STOPS.map(({ name, plain }, index) => (
            <g key={name}>
              {index > 0 && (
                <line
                  x1={index * 118 - 90}
                  y1="42"
                  x2={index * 118}
                  y2="42"
                  stroke={`var(${plain ? "--proof" : "--line-strong"})`}
                  strokeWidth="2"
                  strokeDasharray={plain ? "0" : "4 5"}
                />
              )}
              <circle
                cx={index * 118 + 14}
                cy="42"
                r={index === at ? 16 : 12}
                fill={index === at ? "var(--proof)" : "var(--surface)"}
                stroke={`var(${plain ? "--proof" : "--line-strong"})`}
                strokeWidth="2"
              />
              <text
                x={index * 118 + 14}
                y="46"
                textAnchor="middle"
                fontSize="12"
                fill={index === at ? "var(--on-proof)" : "var(--ink-2)"}
              >
                {index + 1}
              </text>
            </g>
          ))}
        </svg>
        <div className={styles.steps}>
          {STOPS.map(({ name, does }, index) => (
            <button key={name} type="button" aria-pressed={index === at} onClick={() => setAt(index)}>
              <strong>{index + 1}</strong>
              <span>
                <strong>{name}.</strong> {does}
              </span>
            </button>
          ))}
        </div>
      </Figure>
      <TryIt to="/playground" icon="playground" label="Send a request">
        Send one, then open its drawer: it names every provider that was asked, and why each other one was not.
      </TryIt>
    </>
  );
}
