import type { BenchmarkOutcome, BenchRow, Cell } from "../benchmark.ts";
import { lineChart, type Series } from "../plot/line-chart.ts";
import { savedResult } from "./saved-results.ts";
import { rateOf, TARGETS } from "./targets.ts";

const GROUPS = [
  { group: "weights", title: "Other weights or caches" },
  { group: "sampling", title: "Other sampling" },
  { group: "prompt", title: "Another prompt" },
  { group: "tokens", title: "Other tokens" },
  { group: "sparse", title: "A smaller model, now and then" },
] as const;
const SETTINGS = ["mixed", "1"] as const;

/** One plot for each group of cheats and each setting, by file name. */
export function charts(rows: readonly BenchRow[]): Record<string, string> {
  const files: Record<string, string> = {};
  for (const { group, title } of GROUPS) {
    for (const temperature of SETTINGS) {
      const series = seriesOf(rows.filter((row) => row.group === group && row.temperature === temperature));
      if (series.length > 0) {
        files[chartName(group, temperature)] = lineChart({
          title: `${title}: caught at a false-positive rate of 1e-4 (temperature ${temperature})`,
          xLabel: "output tokens seen",
          yLabel: "share caught",
          series,
        });
      }
    }
  }
  return files;
}

function chartName(group: string, temperature: string): string {
  return `proof-${group}-${temperature === "1" ? "t1" : temperature}.svg`;
}

function seriesOf(rows: readonly BenchRow[]): Series[] {
  const names = [...new Set(rows.map(({ adversary }) => String(adversary)))];
  return names.map((name) => ({
    name,
    points: rows
      .filter((row) => row.adversary === name)
      .map((row) => ({
        x: Number(row.tokens),
        y: Number(row.tpr),
        low: Number(row.tprLow),
        high: Number(row.tprHigh),
      })),
  }));
}

/** The report as a page. */
export function page(rows: readonly BenchRow[], summary: BenchmarkOutcome["summary"]): string {
  const honest = rows.filter((row) => row.group === "honest");
  const cheats = rows.filter((row) => row.group !== "honest");
  return [
    "# Proof of inference: measured",
    "",
    "Made by `npm run bench -- proof --save`; the figures are those of `proof.json` beside it. The model is the embedded",
    "test model: 5 million parameters, small enough that its confident answers are the same at lower precision. Prompts",
    "are synthetic. Intervals are Clopper–Pearson at 95 %.",
    "",
    "## Honest answers, none of which was used to calibrate",
    "",
    `${summary.honestMismatches} of ${summary.honestTokens} tokens (${summary.honestInformative} informative) differ from what the seed demands.`,
    "",
    table(
      ["tokens seen", "pieces", "called a failure", "interval"],
      honest.map((row) => [row.tokens, row.windows, row.caught, interval(row)]),
    ),
    "",
    "## What was planned, and what is reached",
    "",
    table(
      ["cheat", "temperature", "tokens", "planned", "measured"],
      TARGETS.map((target) => [
        target.adversary,
        target.temperature,
        target.tokens,
        `≥ ${target.reach}`,
        rateOf(rows, target) ?? "not measured",
      ]),
    ),
    "",
    `Where the plan is not reached: only ${share(summary.honestInformative, summary.honestTokens)} % of the positions are`,
    "informative, since the small model is nearly certain of the others, and cheaper ones agree with it there. The bound on",
    `honest mismatches, ${summary.calibrationMismatchRate} per informative position, asks for two mismatches before an answer fails;`,
    "a calibration on some millions of tokens more would make one enough on short answers. Answers that are too short to fail",
    "alone add up: the last column below.",
    "",
    ...betweenClasses(),
    ...costs(),
    "## Detection",
    "",
    "Share of pieces of so many output tokens that are called a failure, and the output tokens after which accumulated",
    "evidence convicts the provider (median, ninth decile; α = 1e-4 over all providers and all time).",
    "",
    ...GROUPS.flatMap(({ group, title }) =>
      SETTINGS.flatMap((temperature) => {
        const part = cheats.filter((row) => row.group === group && row.temperature === temperature);
        return part.length === 0
          ? []
          : [
              `### ${title}, temperature ${temperature}`,
              "",
              `![${title}](${chartName(group, temperature)})`,
              "",
              detectionTable(part),
              "",
            ];
      }),
    ),
  ].join("\n");
}

function share(part: number | null | undefined, whole: number | null | undefined): number {
  return Math.round((100 * (part ?? 0)) / Math.max(1, whole ?? 0));
}

/** How far honest answers of one class are from what another class demands; the last saved run of `exactness`. */
function betweenClasses(): string[] {
  const saved = savedResult("exactness");
  if (saved === null) {
    return [];
  }
  const between = saved.rows.filter(({ scoredBy }) => scoredBy !== undefined && scoredBy !== null);
  const groups = [...new Set(between.map(({ library }) => library))];
  const differing = between.filter(({ mismatches }) => Number(mismatches) > 0);
  return [
    "## Within a class and between classes",
    "",
    `Of ${groups.length} processor libraries that could be loaded, each was asked the same and scored by every one:`,
    `${between.length - differing.length} of ${between.length} pairs agree on every token. The others:`,
    "",
    table(
      ["computed by", "scored by", "informative tokens", "mismatches", "rate", "mean margin, nats"],
      differing.map((row) => [
        row.library,
        row.scoredBy,
        row.informative,
        row.mismatches,
        row.mismatchRate,
        row.meanMargin,
      ]),
    ),
    "",
  ];
}

/** The figures of the last saved runs of `engine` and `verify` that belong to the proof. */
export function costFigures(): Record<"verifyOverGenerate" | "samplerOverhead", number | null> {
  return {
    verifyOverGenerate: savedResult("verify")?.summary.verifyOverGenerate ?? null,
    samplerOverhead: savedResult("engine")?.summary.samplerOverhead ?? null,
  };
}

/** What the proof costs; the last saved runs of `engine` and `verify`. */
function costs(): string[] {
  const engine = savedResult("engine")?.summary;
  const verify = savedResult("verify")?.summary;
  if (engine === undefined || verify === undefined) {
    return [];
  }
  const lines: readonly (readonly [string, Cell | undefined, string])[] = [
    ["seeded sampler over the engine's own, same rows", engine.samplerOverhead, "≤ 0.05"],
    ["the same, and pairs of rows over single ones", engine.samplerAndPairsOverhead, ""],
    ["checking one at a time ÷ generating one at a time", verify.verifyOverGenerate, "≤ 0.25"],
    ["checking several at once ÷ generating one at a time", verify.verifyTogetherOverGenerate, ""],
    ["checking several at once ÷ generating several at once", verify.verifyOverGenerateTogether, ""],
    ["prefill without any logits ÷ generating one at a time, the floor", verify.prefillOverGenerate, ""],
    ["bytes per token beside its id", verify.proofBytesPerToken, "≤ 2"],
    ["bytes per answer (signed receipt)", verify.receiptBytes, ""],
  ];
  return ["## Costs", "", table(["what", "measured", "planned"], lines), ""];
}

const SHOWN = [16, 64, 128, 512, 2048];

function detectionTable(rows: readonly BenchRow[]): string {
  const names = [...new Set(rows.map(({ adversary }) => adversary ?? null))];
  return table(
    ["cheat", ...SHOWN.map((size) => `${size} tokens`), "convicted after"],
    names.map((name) => {
      const own = rows.filter((row) => row.adversary === name);
      const cells = SHOWN.map((size) => {
        const row = own.find(({ tokens }) => tokens === size);
        return row === undefined ? "–" : `${row.tpr} (${row.tprLow}–${row.tprHigh})`;
      });
      const [first] = own;
      return [name, ...cells, `${first?.convictedAfter ?? "–"}, ${first?.convictedAfterNinth ?? "–"}`];
    }),
  );
}

function interval(row: BenchRow): string {
  return `${row.tprLow}–${row.tprHigh}`;
}

function table(head: readonly string[], body: readonly (readonly (Cell | undefined)[])[]): string {
  const line = (cells: readonly (Cell | undefined)[]) => `| ${cells.map((cell) => cell ?? "").join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...body.map(line)].join("\n");
}
