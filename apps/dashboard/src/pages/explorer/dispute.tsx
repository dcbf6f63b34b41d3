import { indexerApi } from "@depinfer/protocol/api";
import { useEndpoint } from "../../api/use-endpoint.ts";
import { dateTime } from "../../format/time.ts";
import { Badge } from "../../ui/badge.tsx";
import { ButtonLink } from "../../ui/button.tsx";
import { Fact, Facts, Id, Money } from "../../ui/figures.tsx";
import { Panel } from "../../ui/panel.tsx";
import { EventList } from "./event-list.tsx";
import styles from "./explorer.module.css";
import { placeOf } from "./places.ts";
import { Found, Raw } from "./thing.tsx";

export function DisputePage({ id }: { readonly id: string }) {
  const query = useEndpoint("indexer", indexerApi.dispute, { params: { id } });
  return (
    <Found kind="dispute" id={id} query={query}>
      {(found) => (
        <>
          <Panel
            title="What it is about"
            explain="Somebody says with a bond that an answer was not computed as signed. Drawn validators compute it again; who is wrong pays."
            actions={
              <Badge tone={found.outcome === null ? "unsure" : found.outcome === "fail" ? "fail" : "proof"} dot>
                {found.outcome ?? "open"}
              </Badge>
            }
          >
            <Facts>
              <Fact label="Accused">
                <Id id={found.accused} to={placeOf("provider", found.accused)} />
              </Fact>
              <Fact label="Challenger">
                <Id id={found.challenger} to={placeOf("account", found.challenger)} />
              </Fact>
              <Fact label="Receipt">
                {found.receiptId === null ? (
                  "not told yet"
                ) : (
                  <Id id={found.receiptId} to={placeOf("receipt", found.receiptId)} />
                )}
              </Fact>
              <Fact label="Opened">{found.openedAt === null ? "unknown" : dateTime(found.openedAt)}</Fact>
              <Fact label="Closed">{found.closedAt === null ? "not yet" : dateTime(found.closedAt)}</Fact>
              <Fact label="Appealed by">
                {found.appellant === null ? (
                  "nobody"
                ) : (
                  <Id id={found.appellant} to={placeOf("account", found.appellant)} />
                )}
              </Fact>
              <Fact label="Slashed" explain="Taken from the accused's stake.">
                {found.slashed === null ? "nothing so far" : <Money units={found.slashed} />}
              </Fact>
              <Fact label="Transaction">
                <Id id={found.tx} to={placeOf("tx", found.tx)} />
              </Fact>
            </Facts>
            {found.receiptId !== null && (
              <ButtonLink small icon="proofs" className={styles.alone} to={`/proofs/check/${found.receiptId}`}>
                Check the receipt in your browser
              </ButtonLink>
            )}
          </Panel>
          <Panel title="What happened in it">
            <EventList events={found.events} none="Nothing yet" about={found.id} />
          </Panel>
          <Raw of={found} />
        </>
      )}
    </Found>
  );
}
