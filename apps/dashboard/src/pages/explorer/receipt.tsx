import { indexerApi, type ReceiptDetail } from "@depinfer/protocol/api";
import { useEndpoint } from "../../api/use-endpoint.ts";
import { count, plural, shortId } from "../../format/number.ts";
import { PROOF_LEVEL_TEXT } from "../../format/proof.ts";
import { dateTime, duration } from "../../format/time.ts";
import { Badge, VerdictBadge } from "../../ui/badge.tsx";
import { ButtonLink } from "../../ui/button.tsx";
import { Fact, Facts, Id, Money, When } from "../../ui/figures.tsx";
import { Columns, Panel } from "../../ui/panel.tsx";
import { Empty } from "../../ui/state.tsx";
import styles from "./explorer.module.css";
import { OwnRequest } from "./own-request.tsx";
import { placeOf } from "./places.ts";
import { Found, Raw } from "./thing.tsx";

/** A receipt by its own id or its request's; one that is not public yet as this key's gateway knows it. */
export function ReceiptPage({ kind, id }: { readonly kind: "receipt" | "request"; readonly id: string }) {
  const query = useEndpoint("indexer", indexerApi.receipt, { params: { id } });
  return (
    <Found kind={kind} id={id} query={query} instead={<OwnRequest id={id} />}>
      {(found) => <Receipt found={found} />}
    </Found>
  );
}

function Receipt({ found }: { readonly found: ReceiptDetail }) {
  const { id, model, receipt } = found;
  const { provider, requestId, channelId, classId, cost, proofLevel, stopReason, ...told } = receipt.receipt;
  return (
    <>
      <Panel
        title="What was answered"
        explain="All of it is as the provider signed it."
        actions={
          <ButtonLink to={`/proofs/check/${id}`} icon="proofs" kind="primary" small>
            Check it in your browser
          </ButtonLink>
        }
      >
        <Columns least="22rem">
          <Facts>
            <Fact label="Model">
              {model === null ? "unknown" : <Id id={model.slice(0, 120)} whole to={placeOf("model", model)} />}
            </Fact>
            <Fact label="Provider">
              <Id id={provider} to={placeOf("provider", provider)} />
            </Fact>
            <Fact
              label="Cost"
              explain="All that this answer cost the buyer, claimed later with a voucher of the channel."
            >
              <Money units={cost} />
            </Fact>
            <Fact label="Tokens">
              {plural(told.promptTokens, "prompt token")} ({count(told.cachedTokens)} cached),{" "}
              {plural(told.outputTokens, "output token")}
            </Fact>
            <Fact
              label="Ended by"
              explain="Why generation stopped: an end token, the limit, a stop sequence or the buyer."
            >
              {stopReason}
            </Fact>
            <Fact label="Time" explain="By the provider's own clock.">
              {dateTime(told.startedAt)}, {duration(told.finishedAt - told.startedAt)}
            </Fact>
            <Fact label="Proof" explain={PROOF_LEVEL_TEXT[proofLevel]}>
              <Badge tone={proofLevel === "none" ? "plain" : "proof"}>{proofLevel}</Badge>
            </Fact>
          </Facts>
          <Facts>
            <Fact label="Receipt">
              <Id id={id} to={placeOf("receipt", id)} />
            </Fact>
            <Fact label="Request">
              <Id id={requestId} to={placeOf("request", requestId)} />
            </Fact>
            <Fact label="Channel">
              <Id id={channelId} to={placeOf("channel", channelId)} />
            </Fact>
            <Fact label="Runtime class" explain="Hash of the weights, engine and settings that the provider promised.">
              <Id id={classId} to={placeOf("class", classId)} />
            </Fact>
            <Hashes hashes={told} />
          </Facts>
        </Columns>
      </Panel>
      <Columns least="22rem">
        <Commitment found={found} />
        <Judged found={found} />
      </Columns>
      <Raw of={found} />
    </>
  );
}

interface HashesOf {
  readonly promptHash: string;
  readonly textHash: string;
  readonly transcriptRoot: string;
}

function Hashes({ hashes: { promptHash, textHash, transcriptRoot } }: { readonly hashes: HashesOf }) {
  return (
    <>
      <Fact label="Prompt" explain="SHA-256 of the prompt's tokens. The prompt itself is not public.">
        <Id id={promptHash} />
      </Fact>
      <Fact label="Answer" explain="SHA-256 of the answer's text. The answer itself is not public.">
        <Id id={textHash} />
      </Fact>
      <Fact label="Transcript" explain="Merkle root over the tokens and their likelihoods.">
        <Id id={transcriptRoot} />
      </Fact>
    </>
  );
}

function Commitment({ found }: { readonly found: ReceiptDetail }) {
  const { epoch, root, rootTx, rootBlock, rootAt, merkle, receiptKey } = found;
  const { provider } = found.receipt.receipt;
  const epochId = `${provider}/${epoch}`;
  return (
    <Panel
      title="On the chain"
      explain="The provider committed to this receipt, among others, before it could know which would be audited."
    >
      <Facts>
        <Fact label="Epoch">
          <Id id={`${epoch} of ${shortId(provider)}`} whole to={placeOf("epoch", epochId)} />
        </Fact>
        <Fact label="Place" explain="The receipt's leaf in the epoch's Merkle tree.">
          {count(merkle.index + 1)} of {count(merkle.count)}
        </Fact>
        <Fact label="Root">
          <Id id={root} />
        </Fact>
        <Fact label="Posted">{rootAt === null ? "unknown" : <When at={rootAt} />}</Fact>
        <Fact label="Transaction">
          <Id id={rootTx} to={placeOf("tx", rootTx)} />
        </Fact>
        <Fact label="Block">
          <Id id={String(rootBlock)} to={placeOf("block", String(rootBlock))} />
        </Fact>
        <Fact label="Signed with" explain="The provider's registered key, which the signature has to bear.">
          {receiptKey === null ? "no key is registered" : <Id id={receiptKey} />}
        </Fact>
      </Facts>
    </Panel>
  );
}

function Judged({ found: { audits, disputes } }: { readonly found: ReceiptDetail }) {
  return (
    <Panel title="Audits and disputes" explain="Few receipts are drawn for audit; anybody may dispute any.">
      {audits.length === 0 && disputes.length === 0 ? (
        <Empty title="Nobody computed it again yet">
          <p>Receipts are drawn when their epoch's beacon is known. With the prompt you can verify it yourself.</p>
        </Empty>
      ) : (
        <ul className={styles.events}>
          {audits.map(({ validator, verdict, tokens, mismatches, tx, at }) => (
            <li key={`${validator} ${tx}`}>
              <div className={styles.row}>
                <VerdictBadge verdict={verdict} />
                by <Id id={validator} to={placeOf("validator", validator)} />
              </div>
              <span className={styles.small}>
                {plural(tokens, "informative token")}, {plural(mismatches, "mismatch")}, transaction{" "}
                <Id id={tx} to={placeOf("tx", tx)} /> {at !== null && <When at={at} />}
              </span>
            </li>
          ))}
          {disputes.map(({ id, outcome }) => (
            <li key={id}>
              <div className={styles.row}>
                <Badge tone={outcome === "fail" ? "fail" : "unsure"}>dispute: {outcome ?? "open"}</Badge>
                <Id id={id} to={placeOf("dispute", id)} />
              </div>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
