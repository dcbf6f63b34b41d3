import { type Dispute, indexerApi } from "@depinfer/protocol/api";
import { useEndpoint } from "../../api/use-endpoint.ts";
import { dateTime } from "../../format/time.ts";
import { Badge, VerdictBadge } from "../../ui/badge.tsx";
import { Segmented } from "../../ui/field.tsx";
import { Fact, Facts, Id, Money, When } from "../../ui/figures.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Answered, Empty } from "../../ui/state.tsx";
import { oneOf, useUrlState } from "../../ui/url-state.ts";

const MOST = 100;

/** What the events of a dispute mean, for who does not know the contract. */
const STAGES: ReadonlyMap<string, string> = new Map([
  ["DisputeOpened", "opened, with a bond, over the receipt"],
  ["RecordDisputeOpened", "opened, with a bond, over the public record"],
  ["JuryDrawn", "a jury was drawn by lot"],
  ["JuryMissing", "too few jurors were there to draw"],
  ["JuryRearmed", "the draw was put off"],
  ["EvidenceSubmitted", "evidence was handed in"],
  ["Committed", "a juror committed to a hidden vote"],
  ["RevealsOpened", "votes may be shown"],
  ["Revealed", "a juror showed its vote"],
  ["Resolved", "the jury came to an outcome"],
  ["Appealed", "appealed, with a larger bond and jury"],
  ["JurorPunished", "a juror lost stake"],
  ["AttestationPunished", "a validator lost stake for what it attested"],
  ["Finalised", "closed for good"],
  ["BondPaid", "a bond was paid back"],
]);

/** Accusations, with everything that happened in them. */
export function Disputes() {
  const [which, setWhich] = useUrlState("which", "all");
  const chosen = oneOf(which, ["all", "open"]);
  const query = useEndpoint("indexer", indexerApi.disputes, {
    query: { limit: MOST, ...(chosen === "open" ? { open: "true" } : {}) },
  });
  return (
    <Panel
      title="Disputes"
      explain="Anyone may accuse with a signed receipt and a bond. A jury drawn by lot computes again, votes hidden, then shows its votes. Who is wrong pays."
      actions={
        <Segmented
          label="Which"
          value={chosen}
          choices={[
            { value: "all", label: "All" },
            { value: "open", label: "Open" },
          ]}
          onChange={setWhich}
        />
      }
    >
      <Answered query={query} lines={8} what="disputes">
        {({ data }) =>
          data.length === 0 ? (
            <Empty title={chosen === "open" ? "No dispute is open" : "Nobody was ever accused here"}>
              <p>On a test network a cheat and its trial can be rehearsed: npx depinfer rehearse cheat</p>
            </Empty>
          ) : (
            data.map((dispute) => <OneDispute key={dispute.id} dispute={dispute} />)
          )
        }
      </Answered>
    </Panel>
  );
}

function OneDispute({ dispute }: { readonly dispute: Dispute }) {
  const { id, accused, challenger, receiptId, outcome, slashed, openedAt } = dispute;
  return (
    <article
      style={{ display: "grid", gap: "var(--gap-3)", borderTop: "1px solid var(--line)", paddingTop: "var(--gap-4)" }}
    >
      <h3>
        <Id id={id} to={`/explorer/dispute/${id}`} />{" "}
        {outcome === null ? <Badge tone="info">open</Badge> : <VerdictBadge verdict={outcome} />}
      </h3>
      <Facts>
        <Fact label="Accused">
          <Id id={accused} to={`/market/providers/${accused}`} />
        </Fact>
        <Fact label="By">
          <Id id={challenger} to={`/explorer/account/${challenger}`} />
        </Fact>
        <Fact label="Over">
          {receiptId === null ? "its public record" : <Id id={receiptId} to={`/explorer/receipt/${receiptId}`} />}
        </Fact>
        <Fact label="Opened">{openedAt === null ? "unknown" : <When at={openedAt} />}</Fact>
        {slashed !== null && (
          <Fact label="Lost">
            <Money units={slashed} />
          </Fact>
        )}
      </Facts>
      <details>
        <summary>What happened in it</summary>
        <Happenings id={id} />
      </details>
    </article>
  );
}

function Happenings({ id }: { readonly id: string }) {
  const query = useEndpoint("indexer", indexerApi.dispute, { params: { id } });
  return (
    <Answered query={query} lines={4} what="what happened">
      {({ events }) => (
        <ol>
          {events.map(({ block, logIndex, name, at, tx }) => (
            <li key={`${block} ${logIndex}`}>
              {at === null ? `block ${block}` : dateTime(at)}: {STAGES.get(name) ?? name} (
              <Id id={tx} to={`/explorer/tx/${tx}`} />)
            </li>
          ))}
        </ol>
      )}
    </Answered>
  );
}
