import { type BoundPass, gatewayApi } from "@depinfer/protocol/api";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { call } from "../../../api/call.ts";
import { useConnection } from "../../../api/connection.tsx";
import { useEndpoint } from "../../../api/use-endpoint.ts";
import { count, percent } from "../../../format/number.ts";
import { Badge } from "../../../ui/badge.tsx";
import { Button } from "../../../ui/button.tsx";
import { Fact, Facts, Id, Money, When } from "../../../ui/figures.tsx";
import { Panel } from "../../../ui/panel.tsx";
import { Answered, Empty, Failure } from "../../../ui/state.tsx";
import styles from "../money.module.css";
import { usedShare } from "./arithmetic.ts";

const EVERY_MS = 5_000;
const LONGEST = 300;

/** Who pays for requests of this key: a pass, with what is left of it, or the gateway's wallet. */
export function BoundPassPanel() {
  const connection = useConnection();
  const client = useQueryClient();
  const query = useEndpoint("gateway", gatewayApi.pass, { every: EVERY_MS });
  const unuse = useMutation({
    mutationFn: () => call(connection.server("gateway"), gatewayApi.unbindPass),
    onSuccess: () => client.invalidateQueries({ queryKey: ["gateway"] }),
  });
  return (
    <Panel
      title="Who pays for this key"
      explain="A request of an API key is paid from the pass that is bound to it, or else from the gateway's own channels. Providers are paid per token either way, by vouchers that they can check."
    >
      <Answered query={query} lines={5} what="the pass of this key">
        {({ pass }) =>
          pass === null ? (
            <Empty title="No pass: the gateway's wallet pays, per token">
              <span>
                Buy a pass below to pay ahead for a period instead; what you do not use is yours to take back.
              </span>
            </Empty>
          ) : (
            <>
              <Usage pass={pass} />
              <div className={styles.actions}>
                <Button disabled={unuse.isPending} onClick={() => unuse.mutate()}>
                  Stop using it for this key
                </Button>
                <span className={styles.small}>
                  The pass stays yours, with all that is left of it. Needs no signature.
                </span>
              </div>
            </>
          )
        }
      </Answered>
      {unuse.error !== null && <Failure error={unuse.error} />}
    </Panel>
  );
}

function Usage({ pass }: { readonly pass: BoundPass }) {
  const { id, tier, status, grantedTokens, usedTokens, remainingTokens, endsAt, refundable, holder, fault } = pass;
  const share = usedShare({ granted: grantedTokens, remaining: remainingTokens });
  return (
    <>
      <div>
        <div className={styles.line}>
          <strong>
            Pass {id.toString()} <Badge tone={status === "active" ? "proof" : "unsure"}>{status}</Badge>
          </strong>
          <span>
            {count(remainingTokens)} of {count(grantedTokens)} tokens left
          </span>
        </div>
        <div className={styles.meter} role="img" aria-label={`${percent(share)} of the pass is used`}>
          <span style={{ width: `${share * 100}%` }} />
        </div>
      </div>
      {fault !== null && (
        <Empty title={`It does not pay at present: ${fault.message}`}>
          <code>{fault.code}</code>
        </Empty>
      )}
      <Facts>
        <Fact label="Used">{count(usedTokens)} tokens</Fact>
        <Fact label="Ends">
          <When at={endsAt} />
        </Fact>
        <Fact
          label="Refund now"
          explain="Of the unused money, the share of time that is left, by the contract's own arithmetic. It shrinks each second."
        >
          <Money units={refundable} />
        </Fact>
        <Fact label="Holder">
          <Id id={holder} to={`/explorer/account/${holder}`} />
        </Fact>
        <Fact label="Tier">
          {tier.id.toString()}
          {tier.description !== null && `: ${tier.description.slice(0, LONGEST)}`}
        </Fact>
        <Fact label="Models">
          {tier.models.length === 0 ? "all" : tier.models.map((model) => model.slice(0, 80)).join(", ")}
        </Fact>
        <Fact
          label="Price per use"
          explain="At this price a request is taken from the pass, whatever the provider's own price is."
        >
          <Money units={tier.unitsPerMillion} /> / 1M tokens
        </Fact>
      </Facts>
    </>
  );
}
