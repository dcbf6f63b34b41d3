import { gumbel, positionKey, sampleToken } from "@depinfer/proof";
import { digestSha256, utf8 } from "@depinfer/protocol";
import { useMemo, useState } from "react";
import { percent } from "../../format/number.ts";
import { Segmented, TextField } from "../../ui/field.tsx";
import styles from "./learn.module.css";
import { Figure, Prose, TryIt } from "./parts.tsx";

/** A position of an imagined answer: what a model might say after "The fox ran into the". */
const WORDS = ["forest", "garden", "house", "river", "night", "snow"] as const;
const LOGITS = [2.1, 1.6, 1.2, 0.9, 0.5, 0.1] as const;
/** The same position computed with coarser weights: a little off, as quantising does it. */
const COARSE = [1.7, 1.75, 1.05, 1.2, 0.35, 0.3] as const;

export function ProofTopic() {
  return (
    <>
      <Prose>
        <p>
          A model gives every possible next word a likelihood; one is drawn by chance. That chance is the trick:
          provider and buyer each commit to a secret number before the answer, and both together are the{" "}
          <strong>seed</strong> of the draw. Neither chose it alone.
        </p>
        <p>
          Afterwards both numbers are known. Anyone with the same weights computes the same likelihoods, adds the same
          noise, and has to end at <strong>the same word, at every place of the answer</strong>. A provider that ran a
          smaller or coarser model ends elsewhere, soon.
        </p>
      </Prose>
      <DrawFigure />
      <Prose>
        <p>
          What was drawn elsewhere now and then because of rounding is known from measurement, class of machine by class
          of machine. A verdict says how likely an honest provider would look as bad: it fails below 1 in 10,000, and is
          inconclusive where there is too little to say.
        </p>
      </Prose>
      <TryIt to="/proofs" icon="proofs" label="See real audits">
        Watch audits of this network, and how many tokens each known cheat survives.
      </TryIt>
    </>
  );
}

/** The network's own sampler over one position. */
function DrawFigure() {
  const [buyer, setBuyer] = useState("buyer's secret");
  const [provider, setProvider] = useState("provider's secret");
  const [weights, setWeights] = useState<"promised" | "coarse">("promised");
  const draw = useMemo(() => {
    const seed = digestSha256(utf8(buyer), utf8(provider));
    const logits = weights === "promised" ? LOGITS : COARSE;
    const order = [...logits.keys()].sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0));
    const candidates = { tokens: order, logits: order.map((token) => logits[token] ?? 0) };
    const key = positionKey(seed, 0);
    const sum = logits.reduce((total, logit) => total + Math.exp(logit), 0);
    return {
      chosen: sampleToken(candidates, 1, seed, 0),
      promised: sampleToken({ tokens: [...LOGITS.keys()], logits: LOGITS }, 1, seed, 0),
      rows: WORDS.map((word, token) => ({
        word,
        likelihood: Math.exp(logits[token] ?? 0) / sum,
        score: (logits[token] ?? 0) + gumbel(key, token),
      })),
    };
  }, [buyer, provider, weights]);
  const most = Math.max(...draw.rows.map(({ score }) => score));
  const least = Math.min(0, ...draw.rows.map(({ score }) => score));
  return (
    <Figure
      caption={
        <span aria-live="polite">
          Drawn: <strong>{WORDS[draw.chosen]}</strong>.{" "}
          {weights === "promised"
            ? "Change either secret and the draw changes; put it back and it is the same again."
            : draw.chosen === draw.promised
              ? "The coarse weights gave the same word this time. Over a whole answer they do not: try other secrets."
              : `The promised weights draw “${WORDS[draw.promised]}” from the same seed: this provider is found out.`}
        </span>
      }
    >
      <div className={styles.controls}>
        <TextField
          label="Buyer's number"
          value={buyer}
          maxLength={64}
          onChange={({ target }) => setBuyer(target.value)}
        />
        <TextField
          label="Provider's number"
          value={provider}
          maxLength={64}
          onChange={({ target }) => setProvider(target.value)}
        />
        <Segmented
          label="Weights that the provider really runs"
          value={weights}
          choices={[
            { value: "promised", label: "Promised weights" },
            { value: "coarse", label: "Coarser weights" },
          ]}
          onChange={setWeights}
        />
      </div>
      <p>
        The fox ran into the <strong>{WORDS[draw.chosen]}</strong>
      </p>
      <div className={styles.bars}>
        {draw.rows.map(({ word, likelihood, score }, token) => (
          <div key={word} className={styles.bar} data-chosen={token === draw.chosen}>
            <span>{word}</span>
            <span>
              <i style={{ width: `${((score - least) / (most - least)) * 100}%` }} />
            </span>
            <span title="likelihood before the draw">{percent(likelihood, 0)}</span>
          </div>
        ))}
      </div>
      <p className={styles.prose}>Bars: likelihood and noise together; the longest wins. Right: likelihood alone.</p>
    </Figure>
  );
}
