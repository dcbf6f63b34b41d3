import type { Money as MoneyState } from "@depinfer/protocol/api";
import { useMemo } from "react";
import { duration } from "../../../format/time.ts";
import { type Column, DataTable } from "../../../ui/data-table.tsx";
import { Filters, Select } from "../../../ui/field.tsx";
import { Copy, Id, Money, When } from "../../../ui/figures.tsx";
import { Panel } from "../../../ui/panel.tsx";
import { Empty } from "../../../ui/state.tsx";
import { useUrlState } from "../../../ui/url-state.ts";
import styles from "../money.module.css";
import { byService, KEEPERS, type Position, sum } from "./where.ts";

const ALL = "all";
const LONGEST = 160;

/** Every position, with what frees it. */
export function PositionsPanel({ money }: { readonly money: MoneyState }) {
  const [service, setService] = useUrlState("service", ALL);
  const [keeper, setKeeper] = useUrlState("keeper", ALL);
  const services = byService(money.positions);
  const columns = useMemo(() => columnsAt(money.now), [money.now]);
  const shown = money.positions.filter(
    (position) => (service === ALL || position.service === service) && (keeper === ALL || position.keeper === keeper),
  );
  return (
    <Panel
      title="Every position"
      explain="What an account has in one place, from when it can leave, and the command that frees it. Some places want notice first, so that nobody leaves before what he owes is settled."
    >
      <Filters>
        <Select
          label="Service"
          value={service}
          choices={[
            { value: ALL, label: "All" },
            ...services.map(({ service: name }) => ({ value: name, label: name.slice(0, 60) })),
          ]}
          onChange={setService}
        />
        <Select
          label="Place"
          value={keeper}
          choices={[
            { value: ALL, label: "All" },
            ...KEEPERS.map(({ keeper: value, name }) => ({ value, label: name })),
          ]}
          onChange={setKeeper}
        />
      </Filters>
      {shown.length === 0 ? (
        <Empty title="No money is there">
          <span>Choose another service or place.</span>
        </Empty>
      ) : (
        <DataTable
          name="where"
          label="Every position"
          columns={columns}
          rows={shown}
          rowKey={(position) => `${position.service} ${position.account} ${position.keeper} ${position.place}`}
          height="28rem"
          foot={
            <>
              together <Money units={sum(shown)} />
            </>
          }
        />
      )}
    </Panel>
  );
}

function columnsAt(now: number): readonly Column<Position>[] {
  return [
    {
      key: "service",
      title: "Service",
      width: "7rem",
      sort: ({ service }) => service,
      render: ({ service }) => <span className={styles.clip}>{service}</span>,
    },
    {
      key: "amount",
      title: "Amount",
      width: "8.5rem",
      end: true,
      sort: ({ amount }) => amount,
      render: ({ amount }) => <Money units={amount} />,
    },
    {
      key: "place",
      title: "Place",
      width: "13rem",
      sort: ({ place }) => place,
      render: ({ place }) => (
        <span className={styles.clip} title={place}>
          {place.slice(0, LONGEST)}
        </span>
      ),
    },
    {
      key: "unlocks",
      title: "Can leave",
      width: "12rem",
      sort: ({ unlocksAt, noticeSeconds }) => unlocksAt ?? now + (noticeSeconds ?? 0) * 1_000,
      render: ({ unlocksAt, noticeSeconds }) =>
        unlocksAt !== null ? (
          <When at={unlocksAt} />
        ) : noticeSeconds === null ? (
          "now"
        ) : (
          `after ${duration(noticeSeconds * 1_000)} of notice`
        ),
    },
    {
      key: "frees",
      title: "What frees it",
      width: "minmax(24rem, 1fr)",
      render: ({ frees }) =>
        frees.startsWith("depinfer ") ? (
          <span className={styles.command}>
            <code className={styles.clip} title={frees}>
              npx {frees}
            </code>
            <Copy text={`npx ${frees}`} what="command" />
          </span>
        ) : (
          <span className={styles.clip} title={frees}>
            {frees.slice(0, LONGEST)}
          </span>
        ),
    },
    {
      key: "account",
      title: "Account",
      width: "11rem",
      render: ({ account }) => <Id id={account} to={`/explorer/account/${account}`} />,
    },
  ];
}
