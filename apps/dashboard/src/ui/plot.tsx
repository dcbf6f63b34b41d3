import { lazy, Suspense } from "react";
import { dateTime } from "../format/time.ts";
import styles from "./plot.module.css";

export interface PlotSeries {
  readonly label: string;
  /** One value for each `x`; null leaves a gap. */
  readonly values: readonly (number | null)[];
  /** `line` by default. */
  readonly look?: "line" | "area" | "bars" | "points" | "step";
  /** A custom property of tokens.css, `--series-N` by its place by default. */
  readonly colour?: `--${string}`;
  readonly dashed?: boolean;
}

export interface PlotProps {
  /** What it shows, for screen readers and as the table's caption. */
  readonly label: string;
  /** Ascending; ms since 1970 with `time`. */
  readonly x: readonly number[];
  readonly series: readonly PlotSeries[];
  readonly time?: boolean;
  /** Ticks of x at whole numbers only. */
  readonly wholeX?: boolean;
  readonly logX?: boolean;
  readonly logY?: boolean;
  /** Fixed range of y; from the data, and from 0 on, by default. */
  readonly rangeY?: readonly [number, number];
  readonly formatX?: (value: number) => string;
  readonly formatY?: (value: number) => string;
  readonly xTitle?: string;
  readonly yTitle?: string;
  /** Pixels. */
  readonly height?: number;
}

const HEIGHT = 220;
/** Rows of the table of values; a plot of more is thinned out there. */
const MOST_ROWS = 200;

const PlotCanvas = lazy(() => import("./plot-canvas.tsx"));

/** Lines, bars or points over one axis, and the same values as a table. Its room is kept while the library loads. */
export function Plot(props: PlotProps) {
  const { label, height = HEIGHT } = props;
  return (
    <figure className={styles.figure} aria-label={label}>
      {/* The table below tells the same to who does not see it. */}
      <div className={styles.canvas} style={{ minHeight: height }} aria-hidden="true">
        <Suspense fallback={null}>
          <PlotCanvas {...props} height={height} />
        </Suspense>
      </div>
      <Values {...props} />
    </figure>
  );
}

function Values({ label, x, series, time, xTitle, formatX, formatY }: PlotProps) {
  const step = Math.max(1, Math.ceil(x.length / MOST_ROWS));
  const formatted = formatX ?? (time === true ? dateTime : String);
  return (
    <details className={styles.values}>
      <summary>Values as a table</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard */}
      <section className={styles.rows} tabIndex={0} aria-label={`${label}, values`}>
        <table>
          <thead>
            <tr>
              <th scope="col">{xTitle ?? (time === true ? "Time" : "x")}</th>
              {series.map((one) => (
                <th key={one.label} scope="col">
                  {one.label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {x.map((value, index) =>
              index % step === 0 ? (
                <tr key={value}>
                  <th scope="row">{formatted(value)}</th>
                  {series.map((one) => {
                    const y = one.values[index];
                    return <td key={one.label}>{y === null || y === undefined ? "–" : (formatY ?? String)(y)}</td>;
                  })}
                </tr>
              ) : null,
            )}
          </tbody>
        </table>
      </section>
    </details>
  );
}
