import { indexerApi, indexerEvents } from "@depinfer/protocol/api";
import { useRecentEvents } from "../../api/live.tsx";
import { useEndpoint } from "../../api/use-endpoint.ts";
import { count, shortId } from "../../format/number.ts";
import { Badge } from "../../ui/badge.tsx";
import { When } from "../../ui/figures.tsx";
import { Columns, Panel } from "../../ui/panel.tsx";
import { Answered } from "../../ui/state.tsx";
import { ChannelLines, EpochLines } from "./account-lists.tsx";
import { Line, List } from "./list.tsx";
import { placeOf } from "./places.ts";
import { ReceiptTable } from "./receipt-table.tsx";

const SHOWN = 12;
const RECEIPTS = 100;

/** What came last of everything, as it comes. */
export function Landing() {
  const receipts = useEndpoint("indexer", indexerApi.receipts, { query: { limit: RECEIPTS } });
  return (
    <>
      <Panel
        title="Latest receipts"
        explain="What providers signed about answers, under roots that are on the chain. Prompts and answers are not in them, only their hashes."
      >
        <Answered query={receipts} lines={8} what="receipts">
          {({ data, next }) => (
            <ReceiptTable
              receipts={data}
              more={next !== null}
              none="Ask something in the playground; its receipt appears when its provider posts its epoch."
            />
          )}
        </Answered>
      </Panel>
      <Columns least="32rem">
        <Epochs />
        <Channels />
        <Disputes />
        {/* It grows while it is looked at, so nothing may stand below it. */}
        <Blocks />
      </Columns>
    </>
  );
}

function Epochs() {
  const query = useEndpoint("indexer", indexerApi.epochs, { query: { limit: SHOWN } });
  return (
    <Panel title="Latest epochs" explain="A provider commits to all receipts of some time at once, with one root.">
      <Answered query={query} lines={5} what="epochs">
        {({ data }) => <EpochLines epochs={data} />}
      </Answered>
    </Panel>
  );
}

function Channels() {
  const query = useEndpoint("indexer", indexerApi.channels, { query: { limit: SHOWN } });
  return (
    <Panel title="Latest channels" explain="Money that a payer locked for one provider; vouchers draw on it.">
      <Answered query={query} lines={5} what="channels">
        {({ data }) => <ChannelLines channels={data} />}
      </Answered>
    </Panel>
  );
}

function Disputes() {
  const query = useEndpoint("indexer", indexerApi.disputes, { query: { limit: SHOWN } });
  return (
    <Panel title="Latest disputes" explain="Somebody says with a bond that an answer was not computed as signed.">
      <Answered query={query} lines={5} what="disputes">
        {({ data }) => (
          <List none="Nobody was accused yet">
            {data.map(({ id, accused, outcome, openedAt }) => (
              <Line key={id} to={placeOf("dispute", id)} text={`Against ${shortId(accused)}`}>
                <Badge tone={outcome === "fail" ? "fail" : "unsure"}>{outcome ?? "open"}</Badge>{" "}
                {openedAt === null ? "unknown" : <When at={openedAt} />}
              </Line>
            ))}
          </List>
        )}
      </Answered>
    </Panel>
  );
}

/** Blocks come as events; of those before this page was opened the last one is told. */
function Blocks() {
  const query = useEndpoint("indexer", indexerApi.overview, { every: 10_000 });
  const recent = useRecentEvents(["block"]);
  return (
    <Panel title="Latest blocks" explain="Blocks of the chain that are indexed. Most hold nothing of this network.">
      <Answered query={query} lines={5} what="blocks">
        {({ block, blockAt }) => {
          const times = new Map([[block, blockAt]]);
          for (const { data } of recent) {
            const parsed = indexerEvents.block.safeParse(data);
            if (parsed.success) {
              times.set(parsed.data.block, parsed.data.at ?? times.get(parsed.data.block) ?? null);
            }
          }
          const latest = [...times].toSorted(([a], [b]) => b - a).slice(0, SHOWN);
          return (
            <List none="The chain has no block yet">
              {latest.map(([number, at]) => (
                <Line key={number} to={placeOf("block", String(number))} text={`Block ${count(number)}`}>
                  {at === null ? "" : <When at={at} />}
                </Line>
              ))}
            </List>
          );
        }}
      </Answered>
    </Panel>
  );
}
