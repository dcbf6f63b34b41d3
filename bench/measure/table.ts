import type { BenchRow, Cell } from "../benchmark.ts";

/** Rows as an aligned table for a terminal. Columns appear in the order in which rows first have them. */
export function formatTable(rows: readonly BenchRow[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const lines = [columns, ...rows.map((row) => columns.map((column) => show(row[column])))];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]?.length ?? 0)));
  const numeric = columns.map((column) => rows.every((row) => typeof row[column] !== "string"));
  return lines
    .map((line) =>
      line
        .map((cell, index) => (numeric[index] ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function show(cell: Cell | undefined): string {
  return cell === undefined || cell === null ? "" : String(cell);
}
