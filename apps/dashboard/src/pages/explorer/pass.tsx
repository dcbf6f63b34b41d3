import { indexerApi } from "@depinfer/protocol/api";
import { useEndpoint } from "../../api/use-endpoint.ts";
import { count } from "../../format/number.ts";
import { dateTime, duration } from "../../format/time.ts";
import { Badge } from "../../ui/badge.tsx";
import { Fact, Facts, Id, Money } from "../../ui/figures.tsx";
import { Panel } from "../../ui/panel.tsx";
import { EventList } from "./event-list.tsx";
import { placeOf } from "./places.ts";
import { Found, Raw } from "./thing.tsx";

export function PassPage({ id }: { readonly id: string }) {
  const query = useEndpoint("indexer", indexerApi.pass, { params: { id } });
  const tiers = useEndpoint("indexer", indexerApi.tiers);
  return (
    <Found kind="pass" id={id} query={query}>
      {(found) => {
        const tier = tiers.data?.data.find((one) => one.id === found.tier);
        return (
          <>
            <Panel
              title="What was bought"
              explain="Tokens for some time at a fixed price, paid in advance. What is not earned yet can be had back."
              actions={
                <Badge tone={found.status === "active" ? "proof" : "plain"} dot>
                  {found.status}
                </Badge>
              }
            >
              <Facts>
                <Fact label="Holder">
                  <Id id={found.holder} to={placeOf("account", found.holder)} />
                </Fact>
                <Fact label="Gateway" explain="The operator that serves this pass's requests and is paid for them.">
                  {found.operator === null ? (
                    "unknown"
                  ) : (
                    <Id id={found.operator} to={placeOf("account", found.operator)} />
                  )}
                </Fact>
                <Fact label="Paid">
                  <Money units={found.paid} />
                </Fact>
                <Fact label="Tier">
                  {found.tier}
                  {tier !== undefined &&
                    `: ${count(BigInt(tier.quota))} tokens in ${duration(tier.periodSeconds * 1_000)}`}
                </Fact>
                <Fact label="From">{found.startsAt === null ? "unknown" : dateTime(found.startsAt)}</Fact>
                <Fact label="Until">{found.endsAt === null ? "unknown" : dateTime(found.endsAt)}</Fact>
                <Fact label="Bought in">
                  <Id id={found.tx} to={placeOf("tx", found.tx)} />
                </Fact>
              </Facts>
            </Panel>
            <Panel title="What happened to it">
              <EventList events={found.events} none="Nothing yet" about={found.id} />
            </Panel>
            <Raw of={found} />
          </>
        );
      }}
    </Found>
  );
}
