/** A line of a chart. Points come with the interval in which the truth lies. */
export interface Series {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number; readonly low: number; readonly high: number }[];
}

export interface LineChart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly Series[];
}

const WIDTH = 900;
const HEIGHT = 460;
const LEFT = 64;
const RIGHT = 230;
const TOP = 48;
const BOTTOM = 56;
/** Distinguishable with every common colour blindness (Okabe and Ito), then again dashed. */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000"];

/** An SVG with a logarithmic x axis and shares from 0 to 1 on the y axis; bars are the intervals. */
export function lineChart({ title, xLabel, yLabel, series }: LineChart): string {
  const xs = series.flatMap(({ points }) => points.map(({ x }) => x));
  const low = Math.log2(Math.min(...xs));
  const high = Math.max(low + 1, Math.log2(Math.max(...xs)));
  const x = (value: number) => LEFT + ((Math.log2(value) - low) / (high - low)) * (WIDTH - LEFT - RIGHT);
  const y = (value: number) => TOP + (1 - value) * (HEIGHT - TOP - BOTTOM);
  const ticks = [...new Set(xs)].sort((a, b) => a - b);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="13">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    `<text x="${LEFT}" y="26" font-size="16" font-weight="600">${escaped(title)}</text>`,
    ...[0, 0.25, 0.5, 0.75, 1].flatMap((value) => [
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at(y(value))}" y2="${at(y(value))}" stroke="#e3e3e3"/>`,
      `<text x="${LEFT - 8}" y="${at(y(value) + 4)}" text-anchor="end">${value}</text>`,
    ]),
    ...ticks.map(
      (value) => `<text x="${at(x(value))}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle">${value}</text>`,
    ),
    `<text x="${at((LEFT + WIDTH - RIGHT) / 2)}" y="${HEIGHT - 14}" text-anchor="middle">${escaped(xLabel)}</text>`,
    `<text transform="translate(18 ${at((TOP + HEIGHT - BOTTOM) / 2)}) rotate(-90)" text-anchor="middle">${escaped(yLabel)}</text>`,
    ...series.flatMap((one, index) => drawn(one, index, x, y)),
    "</svg>",
    "",
  ].join("\n");
}

function drawn(
  { name, points }: Series,
  index: number,
  x: (value: number) => number,
  y: (value: number) => number,
): string[] {
  const colour = COLOURS[index % COLOURS.length] ?? "#000000";
  const dash = index < COLOURS.length ? "" : ' stroke-dasharray="5 4"';
  const legend = TOP + 10 + index * 21;
  const path = points.map((point) => `${at(x(point.x))},${at(y(point.y))}`).join(" ");
  return [
    ...points.map(
      (point) =>
        `<line x1="${at(x(point.x))}" x2="${at(x(point.x))}" y1="${at(y(point.low))}" y2="${at(y(point.high))}" stroke="${colour}" stroke-opacity="0.35" stroke-width="3"/>`,
    ),
    `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"${dash}/>`,
    `<line x1="${WIDTH - RIGHT + 14}" x2="${WIDTH - RIGHT + 40}" y1="${legend}" y2="${legend}" stroke="${colour}" stroke-width="2"${dash}/>`,
    `<text x="${WIDTH - RIGHT + 48}" y="${legend + 4}">${escaped(name)}</text>`,
  ];
}

function at(value: number): string {
  return value.toFixed(1);
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
