import { costDown, DepinferError, decodeRequest, type Prices, type Transcript } from "@depinfer/protocol";
import { type GatewayReceipt, gatewayApi, indexerApi } from "@depinfer/protocol/api";
import { useMemo, useState } from "react";
import { useConnection } from "../../api/connection.tsx";
import { useEndpoint } from "../../api/use-endpoint.ts";
import { perMillion, unitsText } from "../../format/money.ts";
import { count, plural, shortId } from "../../format/number.ts";
import { PROOF_LEVEL_TEXT } from "../../format/proof.ts";
import { dateTime, duration } from "../../format/time.ts";
import { Badge, VerdictBadge } from "../../ui/badge.tsx";
import { ButtonLink } from "../../ui/button.tsx";
import { Drawer } from "../../ui/drawer.tsx";
import { Segmented } from "../../ui/field.tsx";
import { Fact, Facts, Id, Money } from "../../ui/figures.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Answered, Empty, Failure } from "../../ui/state.tsx";
import { partsOf } from "./parts.ts";
import { Route } from "./route.tsx";
import { Verify } from "./verify.tsx";

/** A receipt comes a moment after the answer's end, its epoch's root some seconds later. */
const EVERY_MS = 2_000;

/** Everything about one answer. */
export function AnswerDrawer({ id: first, onClose }: { readonly id: string; readonly onClose: () => void }) {
  const [id, setId] = useState(first);
  const why = useEndpoint("gateway", gatewayApi.why, { params: { id: first } });
  const parts = partsOf(first, why.data?.attempts ?? []);
  const query = useEndpoint("gateway", gatewayApi.receipt, { params: { id } });
  const waiting = query.data?.receipt === null && query.data.state === "started";
  useEndpoint("gateway", gatewayApi.receipt, { params: { id }, every: EVERY_MS, enabled: waiting });
  return (
    <Drawer title="Receipt and proof" onClose={onClose}>
      {parts.length > 1 && (
        <Segmented
          label="Part of the answer"
          value={id}
          choices={parts.map((part, index) => ({
            value: part.id,
            label: `Part ${index + 1}, by ${shortId(part.provider)}`,
          }))}
          onChange={setId}
        />
      )}
      <Answered query={query} lines={10} what="the receipt">
        {(file) => (
          <>
            {file.receipt === null && (
              <Empty title={parts.length > 1 ? "This part has no receipt yet" : "There is no receipt yet"}>
                <p>
                  {file.state === "started"
                    ? "Its provider signs one when it has ended. "
                    : "It broke off before its provider signed one; the gateway asks for it when the provider is back. "}
                  {parts.length > 1 && "The parts above have their own."}
                </p>
              </Empty>
            )}
            <Verify key={id} id={id} ready={file.receipt !== null && file.transcript !== null} />
            <Route id={first} />
            <Cost file={file} />
            <Chain id={id} />
            <Receipt file={file} />
          </>
        )}
      </Answered>
    </Drawer>
  );
}

function Cost({ file: { receipt, transcript, cost, pass } }: { readonly file: GatewayReceipt }) {
  const signed = receipt?.receipt;
  const prices = useMemo(() => (transcript === null ? null : agreedPrices(transcript)), [transcript]);
  const same = signed !== undefined && prices !== null && costDown(signed, prices) === cost;
  return (
    <Panel title="What it cost">
      <Facts>
        <Fact label="Paid">
          <Money units={cost} /> ({unitsText(cost)}){pass !== null && `, by pass ${pass}`}
        </Fact>
        {signed !== undefined && (
          <>
            <Fact label="Prompt">
              {plural(signed.promptTokens, "token")}
              {same && ` at ${perMillion(prices.inputPerMillion)}`}
              {signed.cachedTokens > 0 && `, ${count(signed.cachedTokens)} of them cached`}
              {same && signed.cachedTokens > 0 && ` at ${perMillion(prices.cachedInputPerMillion)}`}
            </Fact>
            <Fact label="Answer">
              {plural(signed.outputTokens, "token")}
              {same && ` at ${perMillion(prices.outputPerMillion)}`}
            </Fact>
          </>
        )}
        {same && (
          <Fact label="Sum" explain="Rounded down once: fractions of a unit are yours.">
            ({count(signed.promptTokens - signed.cachedTokens)} × {count(prices.inputPerMillion)} +{" "}
            {count(signed.cachedTokens)} × {count(prices.cachedInputPerMillion)} + {count(signed.outputTokens)} ×{" "}
            {count(prices.outputPerMillion)}) ÷ 1,000,000 = {unitsText(cost)}
          </Fact>
        )}
      </Facts>
    </Panel>
  );
}

/** Prices of the request itself, which the receipt is bound to; offers may have changed since. Null for one that cannot be read. */
function agreedPrices({ request }: Transcript): Prices | null {
  try {
    return decodeRequest(Uint8Array.from(atob(request), (character) => character.charCodeAt(0))).terms.prices;
  } catch {
    return null;
  }
}

function Chain({ id }: { readonly id: string }) {
  const { has } = useConnection();
  const query = useEndpoint("indexer", indexerApi.receipt, {
    params: { id },
    every: EVERY_MS,
    enabled: has("indexer"),
  });
  return (
    <Panel
      title="On the chain"
      explain="Providers post one root over all receipts of an epoch; a receipt is under it by its Merkle opening."
    >
      {!has("indexer") ? (
        <Empty title="No indexer is set">
          <p>What providers post is read from an indexer. Set its address under Connection.</p>
        </Empty>
      ) : query.data === undefined && query.error !== null && !isUnknown(query.error) ? (
        <Failure error={query.error} retry={() => void query.refetch()} />
      ) : query.data === undefined ? (
        <Empty title="Not posted yet">
          <p>
            The provider posts its epoch's root soon; this fills in by itself. Your money is safe meanwhile: you signed
            only for what you got.
          </p>
        </Empty>
      ) : (
        <Facts>
          <Fact label="Root">
            <Id
              id={query.data.root}
              to={`/explorer/epoch/${query.data.receipt.receipt.provider}/${query.data.epoch}`}
            />
          </Fact>
          <Fact label="Transaction">
            <Id id={query.data.rootTx} to={`/explorer/tx/${query.data.rootTx}`} /> in block{" "}
            {count(query.data.rootBlock)}
          </Fact>
          <Fact label="Opening">
            leaf {count(query.data.merkle.index + 1)} of {count(query.data.merkle.count)}
          </Fact>
          <Fact label="Audits">
            {query.data.audits.length === 0
              ? "not drawn for one so far"
              : query.data.audits.map(({ validator, verdict }) => <VerdictBadge key={validator} verdict={verdict} />)}
          </Fact>
        </Facts>
      )}
    </Panel>
  );
}

/** Whether the indexer is well and has not seen the receipt. */
function isUnknown(error: Error): boolean {
  return error instanceof DepinferError && error.code === "index.notFound";
}

function Receipt({ file: { id, receipt, state, fault } }: { readonly file: GatewayReceipt }) {
  if (receipt === null) {
    return (
      <Panel title="Receipt">
        <Empty title={state === "started" ? "The receipt is on its way" : `There is no receipt: ${fault ?? state}`} />
      </Panel>
    );
  }
  const { receipt: signed, signature } = receipt;
  return (
    <Panel
      title="Receipt"
      note={<Badge tone="proof">signed by the provider</Badge>}
      actions={
        <ButtonLink to={`/proofs/check/${id}`} small icon="check">
          Check in this browser
        </ButtonLink>
      }
    >
      <Facts>
        <Fact label="Request">
          <Id id={signed.requestId} to={`/explorer/request/${signed.requestId}`} />
        </Fact>
        <Fact label="Provider">
          <Id id={signed.provider} to={`/market/providers/${signed.provider}`} />
        </Fact>
        <Fact label="Proof level" explain={PROOF_LEVEL_TEXT[signed.proofLevel]}>
          {signed.proofLevel}
        </Fact>
        <Fact label="Class" explain="Weights, engine and processor family that were promised.">
          <Id id={signed.classId} />
        </Fact>
        <Fact
          label="Ended because"
          explain="end: the model was done; length: the most tokens; stopSequence: your stop; cancelled: you."
        >
          {signed.stopReason}
        </Fact>
        <Fact label="Time" explain="By the provider's clock.">
          {dateTime(signed.startedAt)}, took {duration(signed.finishedAt - signed.startedAt)}
        </Fact>
        <Fact label="Request hash" explain="SHA-256 of what was asked: prompt, settings, limits, prices, your nonce.">
          <Id id={signed.requestHash} />
        </Fact>
        <Fact label="Prompt hash" explain="SHA-256 of the prompt's token ids.">
          <Id id={signed.promptHash} />
        </Fact>
        <Fact label="Transcript root" explain="Merkle root over the answer's tokens.">
          <Id id={signed.transcriptRoot} />
        </Fact>
        <Fact label="Text hash" explain="SHA-256 of the answer's text as it was delivered.">
          <Id id={signed.textHash} />
        </Fact>
        <Fact label="Seed commitment" explain="What the provider had bound itself to before it knew your nonce.">
          <Id id={signed.seedCommitment} />
        </Fact>
        <Fact label="Channel">
          <Id id={signed.channelId} to={`/explorer/channel/${signed.channelId}`} />
        </Fact>
        <Fact label="Signature">
          <Id id={signature} />
        </Fact>
      </Facts>
    </Panel>
  );
}
