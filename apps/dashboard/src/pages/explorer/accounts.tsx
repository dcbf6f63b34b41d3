import { indexerApi } from "@depinfer/protocol/api";
import { useEndpoint } from "../../api/use-endpoint.ts";
import { count, plural } from "../../format/number.ts";
import { Badge } from "../../ui/badge.tsx";
import { ButtonLink } from "../../ui/button.tsx";
import { Fact, Facts, Id, Money, Stat, Stats, When } from "../../ui/figures.tsx";
import { Columns, Panel } from "../../ui/panel.tsx";
import { AuditsOf, ChannelsOf, EpochsOf, PassesOf, ReceiptsOf } from "./account-lists.tsx";
import styles from "./explorer.module.css";
import { type Kind, placeOf } from "./places.ts";
import { Absent, Found, Raw } from "./thing.tsx";

export function ProviderPage({ id }: { readonly id: string }) {
  const query = useEndpoint("indexer", indexerApi.provider, { params: { provider: id } });
  return (
    <Found kind="provider" id={id} query={query}>
      {(found) => (
        <>
          <Panel
            title="As a provider"
            actions={
              <Badge tone={found.online ? "proof" : "plain"} dot>
                {found.online ? "online" : "away"}
              </Badge>
            }
          >
            <Stats>
              <Stat label="Earned" explain="Claimed from channels.">
                <Money units={found.earned} />
              </Stat>
              <Stat label="Answers" note={plural(found.outputTokens, "token")}>
                {count(found.receipts)}
              </Stat>
              <Stat label="Stake" note={`covers ${plural(found.slots, "slot")}`}>
                <Money units={found.stake} />
              </Stat>
              <Stat label="Audits" explain="Passed, inconclusive, failed.">
                {count(found.audits.pass)} · {count(found.audits.inconclusive)} · {count(found.audits.fail)}
              </Stat>
            </Stats>
            <Facts>
              <Fact label="Signs with" explain="The registered key whose signature its receipts have to bear.">
                {found.receiptKey === null ? "nothing registered" : <Id id={found.receiptKey} />}
              </Fact>
              <Fact label="Models">{found.models.join(", ").slice(0, 300) || "none at present"}</Fact>
              <Fact label="Registered">{found.since === null ? "unknown" : <When at={found.since} />}</Fact>
            </Facts>
            <div className={styles.row}>
              <ButtonLink small icon="market" to={`/market/providers/${id}`}>
                Its record in the market
              </ButtonLink>
              <ButtonLink small icon="proofs" to={`/proofs?tab=evidence&provider=${id}`}>
                Sequential test
              </ButtonLink>
            </div>
          </Panel>
          <ReceiptsOf provider={id} />
          <Columns least="20rem">
            <EpochsOf provider={id} />
            <ChannelsOf title="Channels to it" query={{ provider: id }} />
          </Columns>
          <Raw of={found} />
        </>
      )}
    </Found>
  );
}

/** Validators have no endpoint of their own: they are few, and told in one list. */
export function ValidatorPage({ id }: { readonly id: string }) {
  const query = useEndpoint("indexer", indexerApi.validators, { query: { limit: 1_000 } });
  return (
    <Found kind="validator" id={id} query={query}>
      {({ data }) => {
        const found = data.find(({ validator }) => validator === id);
        if (found === undefined) {
          return <Absent kind="validator" id={id} />;
        }
        return (
          <>
            <Panel
              title="As a validator"
              explain="Computes drawn answers again, attests what came out, and pays with its stake for being wrong."
              actions={
                <Badge tone={found.active ? "proof" : "plain"} dot>
                  {found.active ? "registered" : "left"}
                </Badge>
              }
            >
              <Stats>
                <Stat label="Passed">{count(found.audits.pass)}</Stat>
                <Stat label="Inconclusive">{count(found.audits.inconclusive)}</Stat>
                <Stat label="Failed">{count(found.audits.fail)}</Stat>
                <Stat label="Stake">
                  <Money units={found.stake} />
                </Stat>
                <Stat label="Last audit">
                  {found.lastAuditAt === null ? "none yet" : <When at={found.lastAuditAt} />}
                </Stat>
              </Stats>
            </Panel>
            <AuditsOf validator={id} />
            <Raw of={found} />
          </>
        );
      }}
    </Found>
  );
}

/** Pages that say more about an account in a role. */
const ROLE_PAGES: Readonly<Record<string, Kind>> = { provider: "provider", validator: "validator" };

export function AccountPage({ id }: { readonly id: string }) {
  const query = useEndpoint("indexer", indexerApi.account, { params: { account: id } });
  return (
    <Found kind="account" id={id} query={query}>
      {(found) => (
        <>
          <Panel title="What it is">
            <div className={styles.row}>
              {found.roles.map((role) => (
                <Badge key={role} tone="info">
                  {role}
                </Badge>
              ))}
              {found.roles.map((role) => {
                const kind = ROLE_PAGES[role];
                return kind === undefined ? null : (
                  <ButtonLink key={role} small to={placeOf(kind, id)}>
                    As a {role}
                  </ButtonLink>
                );
              })}
            </div>
            <Stats>
              <Stat label="Channels it pays">{count(found.channelsPaid)}</Stat>
              <Stat label="Channels it is paid from">{count(found.channelsReceived)}</Stat>
              <Stat label="Answers given">{count(found.receipts)}</Stat>
              <Stat label="Audits attested">{count(found.audits)}</Stat>
              <Stat label="Passes bought">{count(found.passes)}</Stat>
            </Stats>
          </Panel>
          <Columns least="20rem">
            {found.channelsPaid > 0 && <ChannelsOf title="Channels it pays" query={{ payer: id }} />}
            {found.passes > 0 && <PassesOf holder={id} />}
          </Columns>
          <Raw of={found} />
        </>
      )}
    </Found>
  );
}
