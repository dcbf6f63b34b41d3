import { type GatewayModel, gatewayApi, indexerApi, type MarketModel } from "@depinfer/protocol/api";
import { useConnection } from "../../api/connection.tsx";
import { useEndpoint } from "../../api/use-endpoint.ts";
import { perMillion } from "../../format/money.ts";
import { count, plural, points } from "../../format/number.ts";
import { PROOF_LEVEL_TEXT } from "../../format/proof.ts";
import { Badge } from "../../ui/badge.tsx";
import { ButtonLink } from "../../ui/button.tsx";
import { Explain } from "../../ui/explain.tsx";
import { Fact, Facts, Id } from "../../ui/figures.tsx";
import { Icon } from "../../ui/icon.tsx";
import { Answered, Empty } from "../../ui/state.tsx";
import styles from "./market.module.css";

type ModelClass = MarketModel["classes"][number];

/** A card for each class of each model: what exactly it is, what is proven of it, and what is not. */
export function ModelCards() {
  const { has } = useConnection();
  const query = useEndpoint("indexer", indexerApi.models, { enabled: has("indexer") });
  const truths = useEndpoint("gateway", gatewayApi.models, { enabled: has("gateway") });
  return (
    <Answered query={query} lines={10} what="models">
      {({ data }) =>
        data.length === 0 ? (
          <Empty title="Nobody offers a model at present">
            <p>An offer lasts minutes and is renewed while its provider runs. Serve one yourself: npx depinfer node</p>
          </Empty>
        ) : (
          <div className={styles.cards}>
            {data.flatMap((model) =>
              model.classes.map((one) => (
                <ModelCard
                  key={`${model.model} ${one.classId}`}
                  name={model.model}
                  one={one}
                  truth={truths.data?.data.find(({ id }) => id === model.model)?.depinfer.truth ?? []}
                />
              )),
            )}
          </div>
        )
      }
    </Answered>
  );
}

function ModelCard({
  name,
  one,
  truth,
}: {
  readonly name: string;
  readonly one: ModelClass;
  readonly truth: GatewayModel["depinfer"]["truth"];
}) {
  const said = truth.filter(({ level }) => level === one.proofLevel);
  return (
    <article className={styles.card}>
      <div className={styles.row}>
        <h3>{name.slice(0, 120)}</h3>
        <Badge tone={one.proofLevel === "none" || one.proofLevel === "attested-SIMULATED" ? "unsure" : "proof"}>
          {one.proofLevel}
        </Badge>
        <Explain about={`proof level ${one.proofLevel}`}>{PROOF_LEVEL_TEXT[one.proofLevel]}</Explain>
      </div>
      <ul className={styles.truth}>
        {said.length === 0 && (
          <li>
            <Icon name="check" size={16} />
            <span>{PROOF_LEVEL_TEXT[one.proofLevel]}</span>
          </li>
        )}
        {said.flatMap(({ proven, open }) => [
          <li key={proven}>
            <span className={styles.proven}>
              <Icon name="check" size={16} />
            </span>
            <span>
              <strong>Proven:</strong> {proven}
            </span>
          </li>,
          <li key={open}>
            <span className={styles.open}>
              <Icon name="warning" size={16} />
            </span>
            <span>
              <strong>Not proven:</strong> {open}
            </span>
          </li>,
        ])}
      </ul>
      <Facts>
        <Fact label="Output" explain="Lowest and median price of live offers, in dollars for a million output tokens.">
          {one.outputPrice === null
            ? "no live offer"
            : `from ${perMillion(one.outputPrice.least)}, median ${perMillion(one.outputPrice.median)}`}
        </Fact>
        <Fact label="Input">
          {one.inputPrice === null ? "no live offer" : `from ${perMillion(one.inputPrice.least)}`}
        </Fact>
        <Fact label="Served by">
          {plural(one.providers, "provider")}, {count(one.idleSlots)} of {plural(one.slots, "slot")} free
        </Fact>
        <Fact label="Context">{plural(one.contextLength, "token")}</Fact>
        <Fact
          label="Quantisation"
          explain="How coarsely the weights are stored. Coarser is smaller and faster, and a little worse."
        >
          {one.quantisation ?? "not told"}
        </Fact>
        <Fact
          label="Quality delta"
          explain={
            one.qualityDelta === null
              ? "How much these weights are right more or less often than the unquantised ones. Nobody has measured these and committed the result."
              : `Right more or less often than the unquantised weights: ${one.qualityDelta.measured.slice(0, 200)}. From ${one.qualityDelta.source.slice(0, 80)}.`
          }
        >
          {one.qualityDelta === null ? "not measured" : points(one.qualityDelta.value)}
        </Fact>
        <Fact
          label="Weights"
          explain="SHA-256 of the weight file. Whoever has a file with this hash can check answers."
        >
          {one.weights === null ? "hidden" : <Id id={one.weights} />}
        </Fact>
        <Fact
          label="Class"
          explain="Weights, engine, build and processor family together. Machines of one class compute the same bits."
        >
          <Id id={one.classId} to={`/explorer/class/${one.classId}`} />
        </Fact>
        <Fact label="Engine">
          {one.engine === null ? "not told" : `${one.engine.slice(0, 80)} on ${one.backend?.slice(0, 40) ?? "?"}`}
        </Fact>
        <Fact label="Can do">{one.features.length === 0 ? "plain answers" : one.features.join(", ")}</Fact>
      </Facts>
      <div className={styles.row}>
        <ButtonLink to={`/playground?model=${encodeURIComponent(name)}`} icon="playground" small kind="primary">
          Try it
        </ButtonLink>
        <ButtonLink to={`/market?tab=offers&model=${encodeURIComponent(name)}`} small>
          Offers
        </ButtonLink>
        <ButtonLink to={`/market?tab=prices&model=${encodeURIComponent(name)}`} small>
          Prices
        </ButtonLink>
      </div>
    </article>
  );
}
