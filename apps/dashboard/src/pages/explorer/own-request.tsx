import { type GatewayReceipt, gatewayApi } from "@depinfer/protocol/api";
import { useConnection } from "../../api/connection.tsx";
import { useEndpoint } from "../../api/use-endpoint.ts";
import { plural } from "../../format/number.ts";
import { dateTime } from "../../format/time.ts";
import { Badge } from "../../ui/badge.tsx";
import { ButtonLink } from "../../ui/button.tsx";
import { Fact, Facts, Id, Money } from "../../ui/figures.tsx";
import { Panel } from "../../ui/panel.tsx";
import styles from "./explorer.module.css";
import { placeOf } from "./places.ts";
import { Raw } from "./thing.tsx";

/** A request of this key that is not public, or not yet; nothing where the gateway does not know it either. */
export function OwnRequest({ id }: { readonly id: string }) {
  const { has } = useConnection();
  const { data } = useEndpoint("gateway", gatewayApi.receipt, {
    params: { id },
    enabled: has("gateway"),
    every: 5_000,
  });
  return data === undefined ? null : <Known found={data} />;
}

function Known({ found }: { readonly found: GatewayReceipt }) {
  const { id, state, fault, model, provider, cost, startedAt, channelId, pass, receipt } = found;
  return (
    <>
      <Panel
        title="Known to your gateway"
        explain="Only your API key sees this: the network knows nothing of it before its receipt is under a root on the chain."
        actions={<Badge tone="unsure">not public yet</Badge>}
      >
        <Facts>
          <Fact label="Request">
            <Id id={id} />
          </Fact>
          <Fact label="State">{fault === null ? state : `${state}: ${fault.slice(0, 300)}`}</Fact>
          <Fact label="Model">{model.slice(0, 200)}</Fact>
          <Fact label="Provider">
            <Id id={provider} to={placeOf("provider", provider)} />
          </Fact>
          <Fact label="Asked">{dateTime(startedAt)}</Fact>
          <Fact label="Cost">
            <Money units={cost} />
          </Fact>
          <Fact label={pass === null ? "Paid from the channel" : "Paid by the pass"}>
            {pass === null ? (
              <Id id={channelId} to={placeOf("channel", channelId)} />
            ) : (
              <Id id={String(pass)} to={placeOf("pass", String(pass))} />
            )}
          </Fact>
          <Fact label="Receipt">
            {receipt === null
              ? "not delivered by the provider"
              : `signed for ${plural(receipt.receipt.outputTokens, "output token")}`}
          </Fact>
        </Facts>
        {receipt !== null && (
          <ButtonLink to={`/proofs/check/${id}`} icon="proofs" small className={styles.alone}>
            Check it in your browser
          </ButtonLink>
        )}
      </Panel>
      <Raw of={found} />
    </>
  );
}
