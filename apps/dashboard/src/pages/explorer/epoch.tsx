import { indexerApi } from "@depinfer/protocol/api";
import { useEndpoint } from "../../api/use-endpoint.ts";
import { count, plural } from "../../format/number.ts";
import { dateTime } from "../../format/time.ts";
import { ButtonLink } from "../../ui/button.tsx";
import { Fact, Facts, Id, Money, When } from "../../ui/figures.tsx";
import { Panel } from "../../ui/panel.tsx";
import styles from "./explorer.module.css";
import { placeOf } from "./places.ts";
import { ReceiptTable } from "./receipt-table.tsx";
import { Found, Raw } from "./thing.tsx";

/** An epoch of one provider; `id` is its account, a slash, its number. */
export function EpochPage({ id }: { readonly id: string }) {
  const [provider = "", epoch = ""] = id.split("/");
  const query = useEndpoint("indexer", indexerApi.epoch, { params: { provider, epoch } });
  return (
    <Found kind="epoch" id={id} query={query}>
      {(found) => (
        <>
          <Panel
            title="What the provider committed to"
            actions={<Neighbours provider={provider} epoch={found.epoch} />}
          >
            <Facts>
              <Fact label="Provider">
                <Id id={found.provider} to={placeOf("provider", found.provider)} />
              </Fact>
              <Fact label="Receipts" explain="How many the root is over, and how many of them the indexer has.">
                {plural(found.count, "receipt")}, {count(found.indexed)} indexed
              </Fact>
              <Fact label="Cost of all">
                <Money units={found.cost} />
              </Fact>
              <Fact label="Root" explain="Merkle root over the receipts' ids.">
                <Id id={found.root} />
              </Fact>
              <Fact
                label="Beacon"
                explain="Drawn from a block after the root was posted: it decides which receipts are audited, so that nobody can prepare only those."
              >
                {found.beacon === null ? "not drawn yet" : <Id id={found.beacon} />}
              </Fact>
              <Fact label="Posted">
                {found.at === null ? (
                  "unknown"
                ) : (
                  <>
                    {dateTime(found.at)}, <When at={found.at} />
                  </>
                )}
              </Fact>
              <Fact label="Transaction">
                <Id id={found.tx} to={placeOf("tx", found.tx)} />
              </Fact>
              <Fact label="Block">
                <Id id={String(found.block)} to={placeOf("block", String(found.block))} />
              </Fact>
            </Facts>
          </Panel>
          <Panel title="Its receipts">
            <ReceiptTable
              receipts={found.receipts}
              none="The provider has not handed them to the indexer yet, or withholds them."
            />
          </Panel>
          <Raw of={found} />
        </>
      )}
    </Found>
  );
}

function Neighbours({ provider, epoch }: { readonly provider: string; readonly epoch: number }) {
  return (
    <span className={styles.row}>
      {epoch > 0 && (
        <ButtonLink small to={placeOf("epoch", `${provider}/${epoch - 1}`)}>
          Previous
        </ButtonLink>
      )}
      <ButtonLink small to={placeOf("epoch", `${provider}/${epoch + 1}`)}>
        Next
      </ButtonLink>
    </span>
  );
}
