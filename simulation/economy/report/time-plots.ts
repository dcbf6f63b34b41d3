import type { Estimate } from "../estimate.ts";
import { at, colour, HEAD } from "./plots.ts";
import { escaped } from "./report.ts";

const WIDTH = 900;
const HEIGHT = 340;
const LEFT = 70;
const RIGHT = 310;
const TOP = 16;
const BOTTOM = 52;
const innerWidth = WIDTH - LEFT - RIGHT;
const innerHeight = HEIGHT - TOP - BOTTOM;

interface Point extends Pick<Estimate, "mean" | "low" | "high"> {
  readonly x: number;
}

interface Series {
  readonly name: string;
  readonly points: readonly Point[];
}

/** Nakamoto coefficients epoch by epoch, each in the band of its interval. */
export function epochChart(
  series: readonly {
    readonly name: string;
    readonly points: readonly { readonly epoch: number; readonly nc50: Estimate }[];
  }[],
): string {
  const lines = series.map(({ name, points }) => ({
    name,
    points: points.map(({ epoch, nc50 }) => ({ x: epoch, ...nc50 })),
  }));
  const most = roundUp(
    Math.max(1, ...lines.flatMap(({ points }) => points.map(({ mean, high }) => finiteOr(high, mean)))),
  );
  const last = Math.max(1, ...lines.flatMap(({ points }) => points.map(({ x }) => x)));
  return chart({
    title: "NC50 by epoch",
    xLabel: "epoch",
    series: lines,
    xTicks: [0, 0.25, 0.5, 0.75, 1].map((part) => Math.round(part * last)),
    yTicks: [0, 0.25, 0.5, 0.75, 1].map((part) => Math.round(part * most)),
    show: String,
  });
}

/** Chances from 0 to 1 by a share from 0 on, each in the band of its interval. */
export function shareChart({
  title,
  xLabel,
  series,
}: {
  readonly title: string;
  readonly xLabel: string;
  readonly series: readonly Series[];
}): string {
  return chart({
    title,
    xLabel,
    series,
    xTicks: [...new Set(series.flatMap(({ points }) => points.map(({ x }) => x)))]
      .sort((a, b) => a - b)
      // Labels that would touch each other say less than none.
      .filter((x, index, all) => index === 0 || x - (all[index - 1] ?? 0) > 0.05),
    yTicks: [0, 0.25, 0.5, 0.75, 1],
    show: (value) => `${Math.round(100 * value)} %`,
  });
}

function chart({
  title,
  xLabel,
  series,
  xTicks,
  yTicks,
  show,
}: {
  readonly title: string;
  readonly xLabel: string;
  readonly series: readonly Series[];
  readonly xTicks: readonly number[];
  readonly yTicks: readonly number[];
  readonly show: (value: number) => string;
}): string {
  const [xMost, yMost] = [Math.max(...xTicks) || 1, Math.max(...yTicks) || 1];
  const x = (value: number) => LEFT + (value / xMost) * innerWidth;
  const y = (value: number) => TOP + (1 - Math.max(0, Math.min(yMost, value)) / yMost) * innerHeight;
  const grid = [
    ...yTicks.flatMap((value) => [
      `<line x1="${LEFT}" x2="${LEFT + innerWidth}" y1="${at(y(value))}" y2="${at(y(value))}" stroke="#e3e3e3"/>`,
      `<text x="${LEFT - 8}" y="${at(y(value) + 4)}" text-anchor="end">${show(value)}</text>`,
    ]),
    ...xTicks.map(
      (value) => `<text x="${at(x(value))}" y="${TOP + innerHeight + 20}" text-anchor="middle">${show(value)}</text>`,
    ),
  ];
  const drawn = series.flatMap(({ name, points }, index) => {
    const dash = index % 2 === 1 ? ' stroke-dasharray="6 3"' : "";
    const edge = (end: "low" | "high") =>
      points.map((point) => `${at(x(point.x))},${at(y(finiteOr(point[end], point.mean)))}`);
    const legend = TOP + 14 + 22 * index;
    return [
      `<polygon fill="${colour(index)}" opacity=".2" points="${[...edge("high"), ...edge("low").reverse()].join(" ")}"/>`,
      `<polyline fill="none" stroke="${colour(index)}" stroke-width="2"${dash} points="${points.map((point) => `${at(x(point.x))},${at(y(point.mean))}`).join(" ")}"/>`,
      `<line x1="${LEFT + innerWidth + 20}" x2="${LEFT + innerWidth + 44}" y1="${legend}" y2="${legend}" stroke="${colour(index)}" stroke-width="3"${dash}/>`,
      `<text x="${LEFT + innerWidth + 52}" y="${legend + 4}">${escaped(name)}</text>`,
    ];
  });
  return `${HEAD} viewBox="0 0 ${WIDTH} ${HEIGHT}"><title>${escaped(title)}</title>
${[...grid, ...drawn].join("\n")}
<text x="${LEFT + innerWidth / 2}" y="${HEIGHT - 8}" text-anchor="middle">${escaped(xLabel)}</text>
</svg>`;
}

const finiteOr = (value: number, other: number) => (Number.isFinite(value) ? value : other);

/** The next of 1, 2, 4 or 8 times a power of ten, so that ticks at quarters are whole numbers. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 4, 8, 10].find((step) => step * power >= value) ?? 10) * power;
}
