import type { LorenzPoint } from "@depinfer/economics";
import { escaped, type TornadoBar } from "./report.ts";

const WIDTH = 860;
const LEFT = 60;
/** The first eight distinguishable with every common colour blindness (Okabe and Ito); dashes tell neighbours apart. */
const COLOURS = [
  "#0072b2",
  "#d55e00",
  "#009e73",
  "#cc79a7",
  "#56b4e9",
  "#e69f00",
  "#000000",
  "#999999",
  "#7a5195",
  "#a6761d",
  "#1b9e77",
  "#e7298a",
  "#4d4d4d",
];
export const HEAD = `<svg xmlns="http://www.w3.org/2000/svg" font-family="system-ui, sans-serif" font-size="13" role="img"`;

export const colour = (index: number) => COLOURS[index % COLOURS.length] ?? "#000000";
export const at = (value: number) => value.toFixed(1);

/** Lorenz curves over the diagonal of equality. */
export function lorenzChart(
  curves: readonly { readonly name: string; readonly points: readonly LorenzPoint[] }[],
): string {
  const size = 420;
  const x = (value: number) => LEFT + value * size;
  const y = (value: number) => 20 + (1 - value) * size;
  const lines = curves.map(
    ({ points }, index) =>
      `<polyline fill="none" stroke="${colour(index)}" stroke-width="2"${index % 2 === 1 ? ' stroke-dasharray="6 3"' : ""} points="${points.map(({ entities, amount }) => `${at(x(entities))},${at(y(amount))}`).join(" ")}"/>`,
  );
  const legend = curves.map(
    ({ name }, index) =>
      `<line x1="${LEFT + size + 20}" x2="${LEFT + size + 44}" y1="${30 + 22 * index}" y2="${30 + 22 * index}" stroke="${colour(index)}" stroke-width="3"${index % 2 === 1 ? ' stroke-dasharray="6 3"' : ""}/><text x="${LEFT + size + 52}" y="${34 + 22 * index}">${escaped(name)}</text>`,
  );
  const ticks = [0, 0.25, 0.5, 0.75, 1].flatMap((value) => [
    `<line x1="${x(0)}" x2="${x(1)}" y1="${at(y(value))}" y2="${at(y(value))}" stroke="#e3e3e3"/>`,
    `<text x="${LEFT - 8}" y="${at(y(value) + 4)}" text-anchor="end">${value * 100} %</text>`,
    `<text x="${at(x(value))}" y="${at(y(0) + 20)}" text-anchor="middle">${value * 100} %</text>`,
  ]);
  return `${HEAD} viewBox="0 0 ${WIDTH} ${size + 76}"><title>Lorenz curves of revenue</title>
${ticks.join("\n")}
<line x1="${x(0)}" y1="${y(0)}" x2="${x(1)}" y2="${y(1)}" stroke="#888" stroke-dasharray="2 4"/>
${lines.join("\n")}
${legend.join("\n")}
<text x="${x(0.5)}" y="${y(0) + 44}" text-anchor="middle">part of the owners, those with least first</text>
</svg>`;
}

/** Horizontal bars with their intervals. */
export function barChart(
  bars: readonly { readonly name: string; readonly mean: number; readonly low: number; readonly high: number }[],
): string {
  const left = 300;
  const most = Math.max(1, ...bars.map(({ mean, high }) => (Number.isFinite(high) ? high : mean)));
  const x = (value: number) => left + (Math.max(0, value) / most) * (WIDTH - left - 90);
  const rows = bars.map(({ name, mean, low, high }, index) => {
    const y = 12 + index * 30;
    const interval = Number.isFinite(low)
      ? `<line x1="${at(x(low))}" x2="${at(x(high))}" y1="${y + 10}" y2="${y + 10}" stroke="#000"/>`
      : "";
    return `<text x="${left - 10}" y="${y + 15}" text-anchor="end">${escaped(name)}</text><rect x="${left}" y="${y}" width="${at(x(mean) - left)}" height="20" fill="${colour(index)}" opacity=".75"/>${interval}<text x="${at(x(Number.isFinite(high) ? high : mean) + 8)}" y="${y + 15}">${Math.round(mean)}</text>`;
  });
  return `${HEAD} viewBox="0 0 ${WIDTH} ${bars.length * 30 + 20}"><title>Nakamoto coefficient at 50 %</title>\n${rows.join("\n")}\n</svg>`;
}

/** For each parameter how far it moves the whale's share, the one that moves it most on top. */
export function tornadoChart(bars: readonly TornadoBar[]): string {
  const reach = ({ low, high }: TornadoBar) => Math.abs(high.whaleShare - low.whaleShare);
  const sorted = [...bars].sort((a, b) => reach(b) - reach(a));
  const shares = sorted.flatMap(({ low, high }) => [low.whaleShare, high.whaleShare]);
  const [least, most] = [Math.min(...shares), Math.max(...shares)];
  const left = 200;
  const x = (share: number) => left + 100 + ((share - least) / Math.max(1e-9, most - least)) * (WIDTH - left - 230);
  const rows = sorted.map(({ parameter, low, high }, index) => {
    const y = 12 + index * 34;
    const [a, b] = low.whaleShare <= high.whaleShare ? [low, high] : [high, low];
    return `<text x="${left - 10}" y="${y + 15}" text-anchor="end">${escaped(parameter)}</text><rect x="${at(x(a.whaleShare))}" y="${y}" width="${at(Math.max(1, x(b.whaleShare) - x(a.whaleShare)))}" height="20" fill="#0072b2" opacity=".75"/><text x="${at(x(a.whaleShare) - 6)}" y="${y + 15}" text-anchor="end">${a.value}: ${a.whaleShare.toFixed(3)}</text><text x="${at(x(b.whaleShare) + 6)}" y="${y + 15}">${b.value}: ${b.whaleShare.toFixed(3)}</text>`;
  });
  return `${HEAD} viewBox="0 0 ${WIDTH} ${bars.length * 34 + 20}"><title>What moves the whale's share</title>\n${rows.join("\n")}\n</svg>`;
}
