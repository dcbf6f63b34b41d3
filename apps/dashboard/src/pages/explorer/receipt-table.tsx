import type { ListedReceipt } from "@depinfer/protocol/api";
import { count } from "../../format/number.ts";
import { Badge } from "../../ui/badge.tsx";
import { type Column, DataTable } from "../../ui/data-table.tsx";
import { Id, Money, When } from "../../ui/figures.tsx";
import { Empty } from "../../ui/state.tsx";
import { placeOf } from "./places.ts";

const COLUMNS: readonly Column<ListedReceipt>[] = [
  {
    key: "id",
    title: "Receipt",
    width: "minmax(10.5rem, 1fr)",
    render: ({ id }) => <Id id={id} to={placeOf("receipt", id)} />,
  },
  {
    key: "model",
    title: "Model",
    sort: ({ model }) => model,
    render: ({ model }) => (model === null ? "unknown" : model.slice(0, 60)),
  },
  {
    key: "provider",
    title: "Provider",
    width: "minmax(10.5rem, 1fr)",
    sort: ({ receipt }) => receipt.receipt.provider,
    render: ({ receipt: { receipt } }) => <Id id={receipt.provider} to={placeOf("provider", receipt.provider)} />,
  },
  {
    key: "tokens",
    title: "Output tokens",
    end: true,
    sort: ({ receipt }) => receipt.receipt.outputTokens,
    render: ({ receipt }) => count(receipt.receipt.outputTokens),
  },
  {
    key: "cost",
    title: "Cost",
    end: true,
    sort: ({ receipt }) => receipt.receipt.cost,
    render: ({ receipt }) => <Money units={receipt.receipt.cost} />,
  },
  { key: "proof", title: "Proof", render: ({ receipt }) => <Badge>{receipt.receipt.proofLevel}</Badge> },
  {
    key: "at",
    title: "Finished",
    end: true,
    sort: ({ receipt }) => receipt.receipt.finishedAt,
    render: ({ receipt }) => <When at={receipt.receipt.finishedAt} />,
  },
];

/** Receipts, newest first unless sorted. */
export function ReceiptTable({
  receipts,
  none,
  more = false,
}: {
  readonly receipts: readonly ListedReceipt[];
  /** Why there may be none. */
  readonly none: string;
  /** Older ones were left out. */
  readonly more?: boolean;
}) {
  if (receipts.length === 0) {
    return (
      <Empty title="No receipts yet">
        <p>{none}</p>
      </Empty>
    );
  }
  return (
    <DataTable
      name="receipts"
      label="Receipts"
      columns={COLUMNS}
      rows={receipts}
      rowKey={({ id }) => id}
      height="24rem"
      {...(more ? { foot: "older ones are left out" } : {})}
    />
  );
}
