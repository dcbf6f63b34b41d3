import { useEffect, useMemo, useRef, useState } from "react";
import UPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { PlotProps, PlotSeries } from "./plot.tsx";

const SERIES_COLOURS = 6;
const GRID_PX = 1;

/** The canvas of a plot; made anew when its shape or the theme changes, else only given new data. */
export default function PlotCanvas(props: PlotProps & { readonly height: number }) {
  const { x, series, height, time } = props;
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);
  const theme = useThemeKey();
  const data = useMemo<UPlot.AlignedData>(
    () => [time === true ? x.map((at) => at / 1_000) : [...x], ...series.map(({ values }) => [...values])],
    [x, series, time],
  );
  const latest = useRef(data);
  latest.current = data;
  const shape = shapeOf(props);
  const latestProps = useRef(props);
  latestProps.current = props;

  // biome-ignore lint/correctness/useExhaustiveDependencies: `shape` and `theme` stand for what the options are made of
  useEffect(() => {
    const element = place.current;
    if (element === null) {
      return undefined;
    }
    const made = new UPlot(optionsOf(latestProps.current, element), latest.current, element);
    plot.current = made;
    const observer = new ResizeObserver(([entry]) => {
      const width = Math.floor(entry?.contentRect.width ?? 0);
      if (width > 0 && width !== made.width) {
        made.setSize({ width, height });
      }
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape, theme, height]);

  useEffect(() => {
    plot.current?.setData(data);
  }, [data]);

  return <div ref={place} />;
}

/** Everything that the options depend on but functions, as text. */
function shapeOf({ series, wholeX, logX, logY, rangeY, time, xTitle, yTitle }: PlotProps): string {
  return JSON.stringify([
    series.map(({ label, look, colour, dashed }) => [label, look, colour, dashed]),
    wholeX,
    logX,
    logY,
    rangeY,
    time,
    xTitle,
    yTitle,
  ]);
}

/** Changes whenever the colours do. */
function useThemeKey(): string {
  const [key, setKey] = useState(readTheme);
  useEffect(() => {
    const update = () => setKey(readTheme());
    const media = matchMedia("(prefers-color-scheme: dark)");
    media.addEventListener("change", update);
    const observer = new MutationObserver(update);
    observer.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => {
      media.removeEventListener("change", update);
      observer.disconnect();
    };
  }, []);
  return key;
}

function readTheme(): string {
  return document.documentElement.dataset.theme ?? String(matchMedia("(prefers-color-scheme: dark)").matches);
}

/** A custom property as a colour that a canvas understands. */
function colourOf(element: HTMLElement, property: string): string {
  const before = element.style.color;
  element.style.color = `var(${property})`;
  const { color } = getComputedStyle(element);
  element.style.color = before;
  return color;
}

function optionsOf(props: PlotProps & { readonly height: number }, element: HTMLElement): UPlot.Options {
  const { series, time, wholeX, logX, logY, rangeY, height, formatX, formatY, xTitle, yTitle } = props;
  const ink = colourOf(element, "--ink-3");
  const grid = { stroke: colourOf(element, "--line"), width: GRID_PX };
  const axis = {
    stroke: ink,
    grid,
    ticks: grid,
    font: "12px system-ui, sans-serif",
    labelFont: "12px system-ui, sans-serif",
  };
  return {
    width: Math.max(100, element.clientWidth),
    height,
    legend: {
      show: series.length > 1,
      live: false,
      markers: { dash: (_, index) => (series[index - 1]?.dashed === true ? "dashed" : "solid") },
    },
    cursor: { points: { size: 6 }, drag: { x: false, y: false } },
    scales: {
      // Without a range of its own a logarithmic scale goes on to the next power of ten.
      x: {
        time: time === true,
        ...(logX === true ? { distr: 3, log: 2, range: (_, low, high) => [low, high] } : {}),
        ...(series.some(({ look }) => look === "bars") ? { range: rangeForBars } : {}),
      },
      y: {
        ...(logY === true ? { distr: 3 } : {}),
        ...(rangeY === undefined ? (logY === true ? {} : { range: rangeFromZero }) : { range: [rangeY[0], rangeY[1]] }),
      },
    },
    axes: [
      {
        ...axis,
        space: 64,
        ...(time === true ? { values: timeTicks } : {}),
        ...(xTitle === undefined ? {} : { label: xTitle, labelSize: 18 }),
        ...(formatX === undefined || time === true
          ? {}
          : // Logarithmic scales have ticks without a number.
            { values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : formatX(tick))) }),
        ...(wholeX === true ? { incrs: WHOLE_STEPS } : {}),
      },
      {
        ...axis,
        size: 64,
        ...(yTitle === undefined ? {} : { label: yTitle, labelSize: 18 }),
        ...(formatY === undefined
          ? {}
          : { values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : formatY(tick))) }),
      },
    ],
    series: [{}, ...series.map((one, index) => seriesOf(one, index, element))],
  };
}

/** Distances of ticks where only whole numbers mean something. */
const WHOLE_STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 100_000, 1_000_000];
const DAY_S = 86_400;
const MINUTE_S = 60;
const dayTick = new Intl.DateTimeFormat("en", { month: "short", day: "numeric" });
const clockTick = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const secondTick = new Intl.DateTimeFormat("en", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

/** Times as short as their distance allows; the library's own take two lines and run into each other. */
function timeTicks(_: UPlot, ticks: number[], _axis: number, _space: number, step: number): string[] {
  const format = step >= DAY_S ? dayTick : step >= MINUTE_S ? clockTick : secondTick;
  return ticks.map((tick) => format.format(tick * 1_000));
}

/** Half a bar's room at both ends, so that the first and the last are whole. */
function rangeForBars({ data: [x] }: UPlot, low: number, high: number): [number, number] {
  const half = x.length < 2 ? 1 : (high - low) / (x.length - 1) / 2;
  return [low - half, high + half];
}

/** Keeps zero in sight, and some room when everything is zero. */
function rangeFromZero(_: UPlot, least: number | null, most: number | null): [number, number] {
  const low = Math.min(0, least ?? 0);
  const high = Math.max(0, most ?? 0);
  return [low * 1.05, high === 0 && low === 0 ? 1 : high * 1.08];
}

function seriesOf(
  { label, look = "line", colour, dashed }: PlotSeries,
  index: number,
  element: HTMLElement,
): UPlot.Series {
  const stroke = colourOf(element, colour ?? `--series-${(index % SERIES_COLOURS) + 1}`);
  const soft = stroke.replace(/^rgb\((.*)\)$/, "rgba($1, 0.16)");
  const bars = UPlot.paths.bars?.({ size: [0.7, 24] });
  const stepped = UPlot.paths.stepped?.({ align: 1 });
  return {
    label,
    stroke,
    width: 2,
    points: { show: look === "points", size: 5, fill: stroke },
    // Colours come round again; their second round is told by the stroke.
    ...(dashed === true ? { dash: [6, 4] } : index >= SERIES_COLOURS ? { dash: [2, 3] } : {}),
    ...(look === "area" ? { fill: soft } : {}),
    ...(look === "points" ? { paths: () => null } : {}),
    ...(look === "bars" && bars !== undefined ? { paths: bars, fill: soft, width: 1 } : {}),
    ...(look === "step" && stepped !== undefined ? { paths: stepped, fill: soft } : {}),
  };
}
