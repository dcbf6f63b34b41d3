import type { GatewayOffer } from "@depinfer/protocol/api";
import { usd } from "../../format/money.ts";
import { count, plural } from "../../format/number.ts";
import { Explain } from "../../ui/explain.tsx";
import { Icon } from "../../ui/icon.tsx";
import { costRange } from "./estimate.ts";
import styles from "./playground.module.css";
import type { Settings } from "./settings.ts";

/** Who can read the prompt and what it may cost, said before it is sent. */
export function BeforeSending({
  settings,
  offers,
  characters,
}: {
  readonly settings: Settings;
  readonly offers: readonly GatewayOffer[];
  /** Of everything that is sent: conversation, prompt, system message, schema and tools. */
  readonly characters: number;
}) {
  const range = costRange(settings, offers, characters);
  return (
    <div className={styles.readers}>
      <Icon name="eye" size={16} />
      <span>
        <strong>Who can read this:</strong> the gateway you chose and the provider that answers
        {settings.privacy === "attested" ? ", whose hardware vouches that its operator cannot" : ", and its operator"}.
        If the answer is drawn for an audit, its validator can, too. Relays and the chain cannot.{" "}
        {range === null ? (
          "No live offer satisfies your policy at present."
        ) : (
          <>
            About {range.least === range.most ? usd(range.most) : `${usd(range.least)} to ${usd(range.most)}`} for an
            answer of full length.{" "}
            <Explain about="the cost before sending">
              {plural(range.offers, "offer")} {range.offers === 1 ? "satisfies" : "satisfy"} the policy. Counted with
              about {count(range.promptTokens)} prompt tokens, an estimate of a token for each four characters, and all{" "}
              {settings.maxTokens} tokens of the answer. What you pay is counted from the tokens themselves.
            </Explain>
          </>
        )}
      </span>
    </div>
  );
}
