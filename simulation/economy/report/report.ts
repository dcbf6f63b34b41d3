import { type Campaign, hexOf, traceOfAll } from "../campaign.ts";
import { barChart, lorenzChart, tornadoChart } from "./plots.ts";
import { attackLines, auditLine, epochLine, type Line, marketLine } from "./tables.ts";
import { epochChart, shareChart } from "./time-plots.ts";

/** One parameter moved down and up, with all others as they were. */
export interface TornadoBar {
  readonly parameter: string;
  readonly low: { readonly value: number; readonly whaleShare: number };
  readonly high: { readonly value: number; readonly whaleShare: number };
}

/**
 * A page with what campaigns said, each kind in tables and plots of its own: shares of work, markets over epochs, chances
 * and money are not to be compared with each other.
 */
export function htmlReport(campaigns: readonly Campaign[], tornado: readonly TornadoBar[] = []): string {
  const markets = campaigns.filter(({ scenario }) => scenario.market !== "epochs" && scenario.market !== "audits");
  const epochs = campaigns.filter(({ scenario }) => scenario.market === "epochs");
  const seeds = Math.max(0, ...campaigns.map(({ runs }) => runs.length));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Concentration, simulated</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; background: #fff; }
  table { border-collapse: collapse; width: 100%; font-size: .9em; } th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid #ddd; vertical-align: top; }
  td { font-variant-numeric: tabular-nums; } svg { max-width: 100%; height: auto; } code { font-size: .85em; } .wide { overflow-x: auto; }
</style>
</head>
<body>
<h1>Concentration, simulated</h1>
<p>Means over seeds 1 to ${seeds}, with the interval that holds the true mean in 95 of 100 campaigns. Figures are of true owners,
whatever names they work under. Everything here is simulated. Hash of every decision of all runs but the tornado’s:
<code>${hexOf(traceOfAll(campaigns))}</code>.</p>
${markets.length === 0 ? "" : marketSection(markets)}
${section("What adversaries have of it", markets.flatMap(attackLines), "")}
${section("Over epochs: who earns buys capacity", epochs.map(epochLine), epochs.length === 0 ? "" : epochChart(epochs.map(({ scenario, nc50ByEpoch }) => ({ name: scenario.name, points: nc50ByEpoch }))))}
${auditSection(campaigns)}
${tornado.length === 0 ? "" : `<h2>What moves the whale’s share of the work</h2>\n${tornadoChart(tornado)}`}
</body>
</html>
`;
}

function marketSection(markets: readonly Campaign[]): string {
  const bars = markets.flatMap(({ scenario, figures }) =>
    figures.nc50 === undefined ? [] : [{ name: scenario.name, ...figures.nc50 }],
  );
  return `${section("Who gets the work", markets.map(marketLine), "")}
<h2>Lorenz curves of revenue</h2>
${lorenzChart(markets.map(({ scenario, lorenz }) => ({ name: scenario.name, points: lorenz })))}
<h2>How few have more than half (NC50)</h2>
${barChart(bars)}`;
}

function auditSection(campaigns: readonly Campaign[]): string {
  const audits = campaigns.flatMap((campaign) =>
    campaign.scenario.market === "audits" ? [{ campaign, scenario: campaign.scenario }] : [],
  );
  const points = (name: "neverConvicted" | "honestConvicted") =>
    audits
      .flatMap(({ campaign: { figures }, scenario: { colluding } }) => {
        const figure = figures[name];
        return figure === undefined ? [] : [{ x: colluding, ...figure }];
      })
      .sort((a, b) => a.x - b.x);
  return section(
    "Auditors and juries of whom some collude",
    audits.map(({ campaign, scenario }) => auditLine(campaign, scenario)),
    audits.length < 2
      ? ""
      : shareChart({
          title: "Chances by the share of validators that collude",
          xLabel: "share of validators that collude",
          series: [
            { name: "a cheat is never convicted", points: points("neverConvicted") },
            { name: "an honest provider is convicted", points: points("honestConvicted") },
          ],
        }),
  );
}

function section(title: string, lines: readonly Line[], plot: string): string {
  const [first] = lines;
  if (first === undefined) {
    return "";
  }
  const columns = Object.keys(first);
  const head = columns.map((column) => `<th scope="col">${escaped(column)}</th>`).join("");
  const rows = lines.map(
    (line) =>
      `<tr>${columns.map((column, index) => (index === 0 ? `<th scope="row">${escaped(line[column] ?? "")}</th>` : `<td>${escaped(line[column] ?? "")}</td>`)).join("")}</tr>`,
  );
  return `<h2>${escaped(title)}</h2>
<div class="wide"><table><thead><tr>${head}</tr></thead>
<tbody>
${rows.join("\n")}
</tbody></table></div>
${plot}`;
}

export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
