import { consoleApi, type Money as MoneyState } from "@depinfer/protocol/api";
import { useConnection } from "../../../api/connection.tsx";
import { useEndpoint } from "../../../api/use-endpoint.ts";
import { percent } from "../../../format/number.ts";
import { Badge } from "../../../ui/badge.tsx";
import { ButtonLink } from "../../../ui/button.tsx";
import { Money, Stat, Stats } from "../../../ui/figures.tsx";
import { Panel } from "../../../ui/panel.tsx";
import { Answered, Empty } from "../../../ui/state.tsx";
import styles from "../money.module.css";
import { ChannelsPanel } from "./channels.tsx";
import { PositionsPanel } from "./positions.tsx";
import { SupplyPanel } from "./supply.tsx";
import { sharesOf } from "./where.ts";

const EVERY_MS = 10_000;

/** Every unit of the services of this home. */
export function HomeView() {
  const { has } = useConnection();
  const query = useEndpoint("console", consoleApi.money, { every: EVERY_MS, enabled: has("console") });
  if (!has("console")) {
    return (
      <Panel title="Every unit of this home">
        <Empty title="This needs the dashboard that depinfer serves">
          <span>
            A page on a static host cannot see your keys' folder. Run <code>npx depinfer dashboard</code>, or{" "}
            <code>npx depinfer money where</code> for the same as text. Statement and passes work from here.
          </span>
          <ButtonLink to="/money?tab=passes" small>
            Go to passes
          </ButtonLink>
        </Empty>
      </Panel>
    );
  }
  return (
    <Answered query={query} lines={12} what="where your money is">
      {(money) => (
        <div className={styles.stack}>
          <Total money={money} />
          <PositionsPanel money={money} />
          <ChannelsPanel money={money} />
          <SupplyPanel money={money} />
        </div>
      )}
    </Answered>
  );
}

function Total({ money }: { readonly money: MoneyState }) {
  const { config } = useConnection();
  const shares = sharesOf(money.positions);
  return (
    <Panel
      title="Where it all is"
      explain="Read from the contracts by this home's dashboard, for every service that has keys in it. Each unit is counted in exactly one place."
      note={config.testMoney ? <Badge tone="unsure">TEST money</Badge> : undefined}
    >
      <div className={styles.wide}>
        <Stats>
          <Stat label="All services together">
            <Money units={money.total} />
          </Stat>
          {shares.map(({ name, units, share }) => (
            <Stat key={name} label={name} note={percent(share, 2)}>
              <Money units={units} />
            </Stat>
          ))}
          {money.x402 > 0n && (
            <Stat
              label="Owed by x402 callers"
              explain="Vouchers of callers without a key that the gateway has not claimed yet."
            >
              <Money units={money.x402} />
            </Stat>
          )}
        </Stats>
      </div>
      {/* The figures above say the same. */}
      <div className={styles.bar} aria-hidden="true">
        {shares.map(({ name, colour, share }) => (
          <span key={name} style={{ flex: `${share} 0 0`, background: `var(${colour})` }} title={name} />
        ))}
      </div>
      <ul className={styles.legend} aria-hidden="true">
        {shares.map(({ name, colour }) => (
          <li key={name}>
            <span className={styles.swatch} style={{ background: `var(${colour})` }} />
            {name}
          </li>
        ))}
      </ul>
    </Panel>
  );
}
