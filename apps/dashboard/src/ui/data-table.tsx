import { useVirtualizer } from "@tanstack/react-virtual";
import { type CSSProperties, type ReactNode, useMemo, useRef } from "react";
import { count } from "../format/number.ts";
import styles from "./data-table.module.css";
import { Explain } from "./explain.tsx";
import { Icon } from "./icon.tsx";
import { useUrlState } from "./url-state.ts";

export interface Column<Row> {
  readonly key: string;
  readonly title: string;
  readonly explain?: ReactNode;
  readonly render: (row: Row) => ReactNode;
  /** What rows are sorted by; a column without it cannot be sorted. Rows without a value come last. */
  readonly sort?: (row: Row) => number | bigint | string | null;
  /** Numbers stand at the end of their column. */
  readonly end?: boolean;
  /** Width as a grid track, `minmax(8rem, 1fr)` by default. */
  readonly width?: string;
}

const ROW_PX = 45;
const MOST_HEIGHT = "36rem";

/**
 * Rows under sortable titles, as a grid with the roles of a table: rows that are partly absent cannot be table elements. Only the rows in sight are in the document, so that ten thousand scroll like ten; their
 * number and places are told to screen readers. What it is sorted by stands in the URL under `name`.
 */
export function DataTable<Row>({
  name,
  label,
  columns,
  rows,
  rowKey,
  initialSort,
  height = MOST_HEIGHT,
  foot,
}: {
  /** Distinguishes the tables of a page in the URL. */
  readonly name: string;
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly rowKey: (row: Row) => string;
  /** `key` for ascending, `-key` for descending; the order of `rows` without it. */
  readonly initialSort?: string;
  readonly height?: string;
  readonly foot?: ReactNode;
}) {
  const [sorting, setSorting] = useUrlState(`${name}.sort`, initialSort ?? "");
  const sorted = useMemo(() => sortRows(rows, columns, sorting), [rows, columns, sorting]);
  const scroll = useRef<HTMLElement>(null);
  const virtual = useVirtualizer({
    count: sorted.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
  });
  const style: CSSProperties & Readonly<Record<"--columns" | "--most", string>> = {
    "--columns": columns.map(({ width }) => width ?? "minmax(8rem, 1fr)").join(" "),
    "--most": height,
  };
  const items = virtual.getVirtualItems();
  const above = items[0]?.start ?? 0;
  const below = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);

  return (
    <div className={styles.frame} style={style}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard */}
      <section ref={scroll} className={styles.scroll} tabIndex={0} aria-label={`${label}, scrollable`}>
        <div className={styles.table} role="table" aria-label={label} aria-rowcount={rows.length + 1}>
          <div role="rowgroup">
            <div className={`${styles.row} ${styles.header}`} role="row" aria-rowindex={1}>
              {columns.map((column) => (
                <ColumnTitle key={column.key} column={column} sorting={sorting} onSort={setSorting} />
              ))}
            </div>
          </div>
          <div role="rowgroup" style={{ paddingTop: above, paddingBottom: Math.max(0, below) }}>
            {items.map(({ index }) => {
              const row = sorted[index];
              return row === undefined ? null : (
                <div key={rowKey(row)} className={styles.row} role="row" aria-rowindex={index + 2}>
                  {columns.map(({ key, render, end }) => (
                    <div key={key} role="cell" className={`${styles.cell} ${end === true ? styles.end : ""}`}>
                      {render(row)}
                    </div>
                  ))}
                </div>
              );
            })}
          </div>
        </div>
      </section>
      <p className={styles.foot}>
        {count(rows.length)} {rows.length === 1 ? "row" : "rows"}
        {foot !== undefined && <> · {foot}</>}
      </p>
    </div>
  );
}

function ColumnTitle<Row>({
  column: { key, title, explain, sort, end },
  sorting,
  onSort,
}: {
  readonly column: Column<Row>;
  readonly sorting: string;
  readonly onSort: (sorting: string) => void;
}) {
  const order = sorting === key ? "ascending" : sorting === `-${key}` ? "descending" : "none";
  return (
    <div
      role="columnheader"
      className={`${styles.cell} ${styles.title} ${end === true ? styles.end : ""}`}
      aria-sort={sort === undefined ? undefined : order}
    >
      {sort === undefined ? (
        title
      ) : (
        // Numbers are mostly wanted from the largest on.
        <button
          type="button"
          className={styles.sort}
          onClick={() =>
            onSort(order === "descending" ? key : order === "ascending" ? `-${key}` : end ? `-${key}` : key)
          }
        >
          {title}
          {order !== "none" && <Icon name={order === "ascending" ? "up" : "down"} size={13} />}
        </button>
      )}
      {explain !== undefined && <Explain about={title}>{explain}</Explain>}
    </div>
  );
}

function sortRows<Row>(rows: readonly Row[], columns: readonly Column<Row>[], sorting: string): readonly Row[] {
  const descending = sorting.startsWith("-");
  const of = columns.find(({ key }) => key === sorting.replace(/^-/, ""))?.sort;
  if (of === undefined) {
    return rows;
  }
  const keyed = rows.map((row) => ({ row, key: of(row) }));
  keyed.sort((a, b) => {
    if (a.key === null || b.key === null) {
      return a.key === b.key ? 0 : a.key === null ? 1 : -1;
    }
    const order = a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
    return descending ? -order : order;
  });
  return keyed.map(({ row }) => row);
}
