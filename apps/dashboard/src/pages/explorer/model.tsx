import { indexerApi, type MarketModel } from "@depinfer/protocol/api";
import { useEndpoint } from "../../api/use-endpoint.ts";
import { perMillion } from "../../format/money.ts";
import { count, plural } from "../../format/number.ts";
import { PROOF_LEVEL_TEXT } from "../../format/proof.ts";
import { Badge } from "../../ui/badge.tsx";
import { ButtonLink } from "../../ui/button.tsx";
import { Fact, Facts, Id } from "../../ui/figures.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Answered } from "../../ui/state.tsx";
import { placeOf } from "./places.ts";
import { ReceiptTable } from "./receipt-table.tsx";
import { Absent, Found, Raw } from "./thing.tsx";

const RECEIPTS = 100;

export function ModelPage({ id }: { readonly id: string }) {
  const query = useEndpoint("indexer", indexerApi.model, { params: { model: id } });
  return (
    <Found kind="model" id={id} query={query}>
      {(found) => (
        <>
          {found.classes.map((one) => (
            <Class key={one.classId} model={found.model} one={one} />
          ))}
          <Raw of={found} />
        </>
      )}
    </Found>
  );
}

/** A class is told among those of its models. */
export function ClassPage({ id }: { readonly id: string }) {
  const query = useEndpoint("indexer", indexerApi.models);
  const receipts = useEndpoint("indexer", indexerApi.receipts, { query: { classId: id, limit: RECEIPTS } });
  return (
    <Answered query={query} lines={10} what="the class">
      {({ data }) => {
        const found = data.flatMap(({ model, classes }) =>
          classes.filter(({ classId }) => classId === id).map((one) => ({ model, one })),
        );
        return (
          <>
            {found.map(({ model, one }) => (
              <Class key={model} model={model} one={one} />
            ))}
            {found.length === 0 && <Absent kind="class" id={id} />}
            <Panel title="Answers in this class">
              <Answered query={receipts} lines={5} what="receipts">
                {({ data: listed, next }) => (
                  <ReceiptTable
                    receipts={listed}
                    more={next !== null}
                    none="Receipts appear when providers post their epochs."
                  />
                )}
              </Answered>
            </Panel>
            {found.length > 0 && <Raw of={found} />}
          </>
        );
      }}
    </Answered>
  );
}

function Class({ model, one }: { readonly model: string; readonly one: MarketModel["classes"][number] }) {
  const { classId, weights, quantisation, engine, backend, proofLevel, contextLength, providers } = one;
  return (
    <Panel
      title={`${model.slice(0, 120)}${quantisation === null ? "" : `, ${quantisation.slice(0, 40)}`}`}
      actions={
        <ButtonLink small icon="market" to={`/market?tab=offers&model=${encodeURIComponent(model)}`}>
          Offers
        </ButtonLink>
      }
    >
      <Facts>
        <Fact label="Runtime class" explain="Hash of everything that decides which tokens come out.">
          <Id id={classId} to={placeOf("class", classId)} />
        </Fact>
        <Fact label="Model">
          <Id id={model.slice(0, 200)} whole to={placeOf("model", model)} />
        </Fact>
        <Fact label="Weights" explain="SHA-256 of the file.">
          {weights === null ? "hidden by its offers" : <Id id={weights} />}
        </Fact>
        <Fact label="Engine">
          {engine === null
            ? "hidden by its offers"
            : `${engine.slice(0, 120)}${backend === null ? "" : `, ${backend.slice(0, 60)}`}`}
        </Fact>
        <Fact label="Proof" explain={PROOF_LEVEL_TEXT[proofLevel]}>
          <Badge tone={proofLevel === "none" ? "plain" : "proof"}>{proofLevel}</Badge>
        </Fact>
        <Fact label="Context">{plural(contextLength, "token")}</Fact>
        <Fact label="Served by">{plural(providers, "provider")} at present</Fact>
        <Fact label="Price" explain="Least among live offers.">
          {one.outputPrice === null ? "no live offer" : `from ${perMillion(one.outputPrice.least)} output tokens`}
        </Fact>
        <Fact label="Receipts">{count(one.receipts)}</Fact>
      </Facts>
    </Panel>
  );
}
