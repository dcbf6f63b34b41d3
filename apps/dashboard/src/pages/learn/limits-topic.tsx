import { Prose, TryIt } from "./parts.tsx";

export function LimitsTopic() {
  return (
    <>
      <Prose>
        <p>What you should know before you rely on it:</p>
        <ul>
          <li>
            <strong>The provider's operator can read your prompt.</strong> Encryption hides it from relays and the
            chain, not from who computes it, nor from the gateway. Hardware enclaves would; their quotes are checked,
            and what is simulated is labelled SIMULATED.
          </li>
          <li>
            <strong>Proof has a noise floor.</strong> A cheat that stays inside the rounding noise of a class of
            machines cannot be told from honesty. Short answers are often inconclusive.
          </li>
          <li>
            <strong>Greedy answers prove less.</strong> Where a smaller model would say the same, nothing shows which
            one said it.
          </li>
          <li>
            <strong>Keeping your prompt cannot be seen.</strong> No proof shows that a provider deleted something.
          </li>
          <li>
            <strong>Closed models cannot be checked</strong> and are labelled so: nobody else has their weights.
          </li>
          <li>
            <strong>Regions are declared</strong> and checked for plausibility by timing, not proven.
          </li>
          <li>
            <strong>One owner may have many names.</strong> Concentration is measured over names and over groups that
            can be seen to belong together; who hides well is not seen.
          </li>
          <li>
            <strong>Models are wrong.</strong> A verified answer is what the model said, not what is true. The model
            that comes with the test network is tiny and made for tests.
          </li>
          <li>
            <strong>Test money is worth nothing</strong>, and nothing here was examined by an outside auditor.
          </li>
        </ul>
      </Prose>
      <TryIt to="/proofs?tab=calibration" icon="proofs" label="See the noise floors">
        How many honest tokens were measured for each class of machine, and what that bounds.
      </TryIt>
    </>
  );
}
