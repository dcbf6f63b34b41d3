import { type Channel, indexerApi } from "@depinfer/protocol/api";
import { useEndpoint } from "../../api/use-endpoint.ts";
import { Badge } from "../../ui/badge.tsx";
import { Id, Money, Stat, Stats, When } from "../../ui/figures.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Answered } from "../../ui/state.tsx";
import { EventList } from "./event-list.tsx";
import { placeOf } from "./places.ts";
import { ReceiptTable } from "./receipt-table.tsx";
import { Found, Raw } from "./thing.tsx";

const RECEIPTS = 200;

export function ChannelPage({ id }: { readonly id: string }) {
  const query = useEndpoint("indexer", indexerApi.channel, { params: { id } });
  return (
    <Found kind="channel" id={id} query={query}>
      {(found) => (
        <>
          <Summary channel={found} />
          <Panel title="What happened on the chain">
            <EventList events={found.events} none="Nothing yet" about={found.id} />
          </Panel>
          <Receipts channel={found.id} />
          <Raw of={found} />
        </>
      )}
    </Found>
  );
}

function Summary({ channel }: { readonly channel: Channel }) {
  const { payer, receiver, deposit, settled, closed, openedAt } = channel;
  return (
    <Panel
      title="Money in it"
      explain="A payer locks money for one provider and pays for each answer with a signed voucher; the provider claims the last one when it likes."
      actions={
        <Badge tone={closed ? "plain" : "money"} dot>
          {closed ? "closed" : "open"}
        </Badge>
      }
    >
      <Stats>
        <Stat
          label="Deposit"
          note={
            <>
              from <Id id={payer} to={placeOf("account", payer)} />
            </>
          }
        >
          <Money units={deposit} />
        </Stat>
        <Stat
          label="Claimed"
          note={
            <>
              by <Id id={receiver} to={placeOf("provider", receiver)} />
            </>
          }
        >
          <Money units={settled} />
        </Stat>
        <Stat
          label={closed ? "Given back" : "Not claimed"}
          explain={
            closed
              ? "What was not claimed went back to the payer."
              : "Vouchers for some of it may be with the provider; the chain does not know of those."
          }
        >
          <Money units={deposit - settled} />
        </Stat>
        <Stat label="Opened">{openedAt === null ? "unknown" : <When at={openedAt} />}</Stat>
      </Stats>
    </Panel>
  );
}

function Receipts({ channel }: { readonly channel: string }) {
  const query = useEndpoint("indexer", indexerApi.receipts, { query: { channel, limit: RECEIPTS } });
  return (
    <Panel title="Answers paid from it">
      <Answered query={query} lines={5} what="receipts">
        {({ data, next }) => (
          <ReceiptTable
            receipts={data}
            more={next !== null}
            none="Receipts of this channel appear when the provider posts their epoch."
          />
        )}
      </Answered>
    </Panel>
  );
}
