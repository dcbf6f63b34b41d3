import type { GatewayStatement } from "@depinfer/protocol/api";
import { Link } from "react-router";
import { count, shortId } from "../../../format/number.ts";
import { type Column, DataTable } from "../../../ui/data-table.tsx";
import { Money } from "../../../ui/figures.tsx";
import styles from "../money.module.css";

type Line = GatewayStatement["lines"][number];

const COLUMNS: readonly Column<Line>[] = [
  {
    key: "day",
    title: "Day (UTC)",
    width: "7.5rem",
    sort: ({ day }) => day,
    render: ({ day }) => day.slice(0, 20),
  },
  {
    key: "cost",
    title: "Cost",
    width: "8rem",
    end: true,
    sort: ({ cost }) => cost,
    render: ({ cost }) => <Money units={cost} />,
  },
  {
    key: "model",
    title: "Model",
    width: "minmax(11rem, 1fr)",
    sort: ({ model }) => model,
    render: ({ model }) => (
      <span className={styles.clip} title={model}>
        {model.slice(0, 120)}
      </span>
    ),
  },
  {
    key: "provider",
    title: "Provider",
    width: "11rem",
    sort: ({ provider }) => provider,
    render: ({ provider }) => <Link to={`/market/providers/${provider}`}>{shortId(provider)}</Link>,
  },
  {
    key: "pass",
    title: "Paid by",
    width: "6.5rem",
    sort: ({ pass }) => pass,
    render: ({ pass }) =>
      pass === null ? "wallet" : <Link to={`/explorer/pass/${pass}`}>pass {pass.toString()}</Link>,
  },
  {
    key: "requests",
    title: "Requests",
    width: "6.5rem",
    end: true,
    sort: ({ requests }) => requests,
    render: ({ requests }) => count(requests),
  },
  {
    key: "prompt",
    title: "Prompt",
    explain: "Tokens of prompts; those that the provider still had from a request before are cheaper.",
    width: "8rem",
    end: true,
    sort: ({ promptTokens }) => promptTokens,
    render: ({ promptTokens, cachedTokens }) => (
      <span title={`${count(cachedTokens)} of them cached`}>{count(promptTokens)}</span>
    ),
  },
  {
    key: "output",
    title: "Output",
    explain: "Tokens of answers.",
    width: "7.5rem",
    end: true,
    sort: ({ outputTokens }) => outputTokens,
    render: ({ outputTokens }) => count(outputTokens),
  },
];

/** What was bought, by day, model and provider. */
export function LinesTable({ lines }: { readonly lines: readonly Line[] }) {
  return (
    <DataTable
      name="lines"
      label="What was bought"
      columns={COLUMNS}
      rows={lines}
      rowKey={({ day, model, provider, pass }) => `${day} ${model} ${provider} ${pass}`}
      initialSort="-day"
      height="26rem"
    />
  );
}
