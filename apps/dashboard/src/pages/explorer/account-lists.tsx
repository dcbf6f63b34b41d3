import { type Channel, type Epoch, indexerApi } from "@depinfer/protocol/api";
import type { ReactNode } from "react";
import { useEndpoint } from "../../api/use-endpoint.ts";
import { usd } from "../../format/money.ts";
import { plural, shortId } from "../../format/number.ts";
import { VerdictBadge } from "../../ui/badge.tsx";
import { When } from "../../ui/figures.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Answered } from "../../ui/state.tsx";
import { Line, List } from "./list.tsx";
import { placeOf } from "./places.ts";
import { ReceiptTable } from "./receipt-table.tsx";

const SHOWN = 100;

function at(time: number | null): ReactNode {
  return time === null ? "unknown" : <When at={time} />;
}

export function ReceiptsOf({ provider }: { readonly provider: string }) {
  const query = useEndpoint("indexer", indexerApi.receipts, { query: { provider, limit: SHOWN } });
  return (
    <Panel title="Its answers">
      <Answered query={query} lines={5} what="receipts">
        {({ data, next }) => (
          <ReceiptTable receipts={data} more={next !== null} none="They appear when it posts their epoch." />
        )}
      </Answered>
    </Panel>
  );
}

export function EpochsOf({ provider }: { readonly provider: string }) {
  const query = useEndpoint("indexer", indexerApi.epochs, { query: { provider, limit: SHOWN } });
  return (
    <Panel title="Its epochs">
      <Answered query={query} lines={5} what="epochs">
        {({ data }) => <EpochLines epochs={data} />}
      </Answered>
    </Panel>
  );
}

export function EpochLines({ epochs }: { readonly epochs: readonly Epoch[] }) {
  return (
    <List none="None was posted yet">
      {epochs.map((epoch) => (
        <Line
          key={`${epoch.provider}/${epoch.epoch}`}
          to={placeOf("epoch", `${epoch.provider}/${epoch.epoch}`)}
          text={`Epoch ${epoch.epoch} of ${shortId(epoch.provider)}`}
        >
          {plural(epoch.count, "receipt")} · {at(epoch.at)}
        </Line>
      ))}
    </List>
  );
}

export function ChannelsOf({
  title,
  query,
}: {
  readonly title: string;
  readonly query: { readonly payer: string } | { readonly provider: string };
}) {
  const answer = useEndpoint("indexer", indexerApi.channels, { query: { ...query, limit: SHOWN } });
  return (
    <Panel title={title}>
      <Answered query={answer} lines={5} what="channels">
        {({ data }) => <ChannelLines channels={data} />}
      </Answered>
    </Panel>
  );
}

export function ChannelLines({ channels }: { readonly channels: readonly Channel[] }) {
  return (
    <List none="None was opened yet">
      {channels.map(({ id, payer, receiver, deposit, closed, openedAt }) => (
        <Line key={id} to={placeOf("channel", id)} text={`${shortId(payer)} to ${shortId(receiver)}`}>
          {usd(deposit)} {closed ? "closed" : "open"} · {at(openedAt)}
        </Line>
      ))}
    </List>
  );
}

export function AuditsOf({ validator }: { readonly validator: string }) {
  const query = useEndpoint("indexer", indexerApi.audits, { query: { validator, limit: SHOWN } });
  return (
    <Panel title="What it attested">
      <Answered query={query} lines={5} what="audits">
        {({ data }) => (
          <List none="Nothing yet: few receipts are drawn">
            {data.map((audit) => (
              <Line
                key={`${audit.receiptId} ${audit.tx}`}
                to={placeOf("receipt", audit.receiptId)}
                text={`Receipt ${shortId(audit.receiptId)} of ${shortId(audit.provider)}`}
              >
                <VerdictBadge verdict={audit.verdict} /> {at(audit.at)}
              </Line>
            ))}
          </List>
        )}
      </Answered>
    </Panel>
  );
}

export function PassesOf({ holder }: { readonly holder: string }) {
  const query = useEndpoint("indexer", indexerApi.passes, { query: { holder, limit: SHOWN } });
  return (
    <Panel title="Passes it bought">
      <Answered query={query} lines={3} what="passes">
        {({ data }) => (
          <List none="None yet">
            {data.map(({ id, paid, status, endsAt }) => (
              <Line key={id} to={placeOf("pass", id)} text={`Pass ${id} for ${usd(paid)}`}>
                {status} · until {at(endsAt)}
              </Line>
            ))}
          </List>
        )}
      </Answered>
    </Panel>
  );
}
