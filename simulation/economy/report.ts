import type { Campaign, Estimate } from "./campaign.ts";
import { barChart, lorenzChart, tornadoChart } from "./plots.ts";

/** One parameter moved down and up, with all others as they were. */
export interface TornadoBar {
  readonly parameter: string;
  readonly low: { readonly value: number; readonly whaleShare: number };
  readonly high: { readonly value: number; readonly whaleShare: number };
}

/** A page with the table, the Lorenz curves, the Nakamoto coefficients and what moves the whale's share most. */
export function htmlReport(campaigns: readonly Campaign[], tornado: readonly TornadoBar[] = []): string {
  const rows = campaigns.map(
    ({ scenario, figures, trace }) =>
      `<tr><th scope="row">${escaped(scenario.name)}</th>${[
        figures.gini,
        figures.nc50,
        figures.nc33,
        figures.whaleShare,
      ]
        .map((figure, index) => `<td>${formatEstimate(figure, index === 1 || index === 2 ? 0 : 3)}</td>`)
        .join("")}<td><code>${trace}</code></td></tr>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Concentration, simulated</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; background: #fff; }
  table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid #ddd; }
  td { font-variant-numeric: tabular-nums; } svg { max-width: 100%; height: auto; } code { font-size: .85em; }
</style>
</head>
<body>
<h1>Concentration, simulated</h1>
<p>Means over ${campaigns[0]?.outcomes.length ?? 0} seeds, with the interval that holds the true mean in 95 of 100 campaigns. Figures are of
true owners, whatever names they work under. Everything here is simulated.</p>
<table>
<thead><tr><th>Market</th><th>Gini of revenue</th><th>NC 50 %</th><th>NC 33 %</th><th>Whale’s share</th><th>Trace</th></tr></thead>
<tbody>
${rows.join("\n")}
</tbody>
</table>
<h2>Lorenz curves</h2>
${lorenzChart(campaigns.map(({ scenario, lorenz }) => ({ name: scenario.name, points: lorenz })))}
<h2>How few have more than half</h2>
${barChart(campaigns.flatMap(({ scenario, figures }) => (figures.nc50 === null ? [] : [{ name: scenario.name, ...figures.nc50 }])))}
${tornado.length === 0 ? "" : `<h2>What moves the whale’s share</h2>\n${tornadoChart(tornado)}`}
</body>
</html>
`;
}

/** `0.596 (0.595–0.597)`. */
export function formatEstimate(figure: Estimate | null, digits: number): string {
  if (figure === null) {
    return "–";
  }
  const show = (value: number) => value.toFixed(digits);
  return Number.isFinite(figure.low)
    ? `${show(figure.mean)} (${show(figure.low)}–${show(figure.high)})`
    : show(figure.mean);
}

export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
