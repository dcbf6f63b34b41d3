import { indexerApi } from "@depinfer/protocol/api";
import { useEndpoint } from "../../api/use-endpoint.ts";
import { plural } from "../../format/number.ts";
import { dateTime } from "../../format/time.ts";
import { ButtonLink } from "../../ui/button.tsx";
import { Fact, Facts, Id, When } from "../../ui/figures.tsx";
import { Panel } from "../../ui/panel.tsx";
import { EventList } from "./event-list.tsx";
import styles from "./explorer.module.css";
import { placeOf } from "./places.ts";
import { Found, Raw } from "./thing.tsx";

/** What is not there yet may be in the next block. */
const AGAIN_MS = 5_000;

export function TransactionPage({ id }: { readonly id: string }) {
  const query = useEndpoint("indexer", indexerApi.tx, { params: { hash: id }, every: AGAIN_MS });
  return (
    <Found kind="tx" id={id} query={query}>
      {(found) => {
        const [first] = found.events;
        return (
          <>
            <Panel title="Where it is">
              <Facts>
                {first !== undefined && (
                  <>
                    <Fact label="Block">
                      <Id id={String(first.block)} to={placeOf("block", String(first.block))} />
                    </Fact>
                    <Fact label="When">
                      {first.at === null ? (
                        "unknown"
                      ) : (
                        <>
                          {dateTime(first.at)}, <When at={first.at} />
                        </>
                      )}
                    </Fact>
                  </>
                )}
                <Fact label="Did" explain="Events of this network's contracts in it.">
                  {plural(found.events.length, "thing")}
                </Fact>
              </Facts>
            </Panel>
            <Panel title="What it did">
              <EventList events={found.events} none="Nothing in this network's contracts" />
            </Panel>
            <Raw of={found} />
          </>
        );
      }}
    </Found>
  );
}

export function BlockPage({ id }: { readonly id: string }) {
  const query = useEndpoint("indexer", indexerApi.block, { params: { number: id }, every: AGAIN_MS });
  return (
    <Found kind="block" id={id} query={query}>
      {(found) => (
        <>
          <Panel
            title="In the chain"
            actions={
              <span className={styles.row}>
                {found.block > 0 && (
                  <ButtonLink small to={placeOf("block", String(found.block - 1))}>
                    Previous
                  </ButtonLink>
                )}
                <ButtonLink small to={placeOf("block", String(found.block + 1))}>
                  Next
                </ButtonLink>
              </span>
            }
          >
            <Facts>
              <Fact label="When">
                {found.at === null ? (
                  "not recorded: nothing of this network is in it"
                ) : (
                  <>
                    {dateTime(found.at)}, <When at={found.at} />
                  </>
                )}
              </Fact>
              <Fact label="Events">{plural(found.events.length, "event")}</Fact>
            </Facts>
          </Panel>
          <Panel title="What happened in it">
            <EventList events={found.events} none="Nothing of this network happened in this block" />
          </Panel>
          <Raw of={found} />
        </>
      )}
    </Found>
  );
}
