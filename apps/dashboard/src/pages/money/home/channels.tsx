import type { Money as MoneyState } from "@depinfer/protocol/api";
import { type Column, DataTable } from "../../../ui/data-table.tsx";
import { Id, Money } from "../../../ui/figures.tsx";
import { Panel } from "../../../ui/panel.tsx";
import { Empty } from "../../../ui/state.tsx";
import styles from "../money.module.css";

type Promised = MoneyState["promises"][number];

const COLUMNS: readonly Column<Promised>[] = [
  {
    key: "service",
    title: "As seen by",
    width: "minmax(7rem, 1fr)",
    sort: ({ service }) => service,
    render: ({ service }) => <span className={styles.clip}>{service}</span>,
  },
  {
    key: "channel",
    title: "Channel",
    width: "11rem",
    render: ({ channelId }) => <Id id={channelId} to={`/explorer/channel/${channelId}`} />,
  },
  {
    key: "promised",
    title: "Promised",
    explain: "The best voucher: what the buyer has signed in all, over the channel's life.",
    width: "9rem",
    end: true,
    sort: ({ promised }) => promised,
    render: ({ promised }) => <Money units={promised} />,
  },
  {
    key: "unclaimed",
    title: "Unclaimed",
    explain: "Part of it that the provider has not claimed on chain yet.",
    width: "9rem",
    end: true,
    sort: ({ unclaimed }) => unclaimed,
    render: ({ unclaimed }) => <Money units={unclaimed} />,
  },
  {
    key: "flight",
    title: "In flight",
    explain:
      "Delivered or reserved for a request under way, and covered by no voucher yet. This is what is at risk at any moment.",
    width: "9rem",
    end: true,
    sort: ({ inFlight }) => inFlight,
    render: ({ inFlight }) => <Money units={inFlight} />,
  },
];

/** What running services say of their channels: promised, claimed and under way. */
export function ChannelsPanel({ money }: { readonly money: MoneyState }) {
  return (
    <Panel
      title="Channels and vouchers"
      explain="A buyer pays by signing ever larger promises on a channel, and the provider claims the largest on chain. Both sides are shown where both run here; they have to agree."
    >
      {money.promises.length === 0 ? (
        <Empty title="No channel is in use">
          <span>The first request to a provider opens one. Services that do not run say nothing here.</span>
        </Empty>
      ) : (
        <DataTable
          name="channels"
          label="Channels and vouchers"
          columns={COLUMNS}
          rows={money.promises}
          rowKey={({ service, channelId }) => `${service} ${channelId}`}
          height="24rem"
        />
      )}
      <p className={styles.small}>
        To add to a deposit or to leave: <code>npx depinfer deposit 25</code>,{" "}
        <code>npx depinfer withdraw --channels</code>. For providers: <code>npx depinfer settle</code>, then{" "}
        <code>npx depinfer claim</code>.
      </p>
    </Panel>
  );
}
