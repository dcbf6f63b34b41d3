import { consoleApi } from "@depinfer/protocol/api";
import { useMemo } from "react";
import { z } from "zod";
import { useConnection } from "../../api/connection.tsx";
import { useEndpoint } from "../../api/use-endpoint.ts";
import { count, percent } from "../../format/number.ts";
import { chance } from "../../format/proof.ts";
import { type Column, DataTable } from "../../ui/data-table.tsx";
import { Filters, Select } from "../../ui/field.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Plot, type PlotSeries } from "../../ui/plot.tsx";
import { Answered, Empty } from "../../ui/state.tsx";
import { useUrlState } from "../../ui/url-state.ts";

const rowSchema = z.object({
  adversary: z.string(),
  group: z.string(),
  temperature: z.union([z.string(), z.number()]).transform(String),
  tokens: z.number(),
  windows: z.number(),
  tpr: z.number(),
  tprLow: z.number(),
  tprHigh: z.number(),
  convictedAfter: z.number().nullish(),
});
type Row = z.output<typeof rowSchema>;

const resultSchema = z.object({
  at: z.string(),
  commit: z.string(),
  rows: z.array(z.unknown()),
  summary: z.object({
    honestTokens: z.number(),
    falsePositives: z.number(),
    falsePositiveWindows: z.number(),
    falsePositiveHigh: z.number(),
  }),
});

const COLUMNS: readonly Column<Row>[] = [
  {
    key: "adversary",
    title: "Cheat",
    width: "minmax(10rem, 2fr)",
    sort: ({ adversary }) => adversary,
    render: ({ adversary }) => adversary,
  },
  { key: "tokens", title: "Tokens", end: true, sort: ({ tokens }) => tokens, render: ({ tokens }) => count(tokens) },
  { key: "tpr", title: "Caught", end: true, sort: ({ tpr }) => tpr, render: ({ tpr }) => percent(tpr) },
  {
    key: "interval",
    title: "95 % interval",
    end: true,
    render: ({ tprLow, tprHigh }) => `${percent(tprLow)} to ${percent(tprHigh)}`,
  },
  {
    key: "windows",
    title: "Trials",
    end: true,
    sort: ({ windows }) => windows,
    render: ({ windows }) => count(windows),
  },
  {
    key: "after",
    title: "Convicted after",
    explain: "Median number of tokens until the test over many answers convicts.",
    end: true,
    sort: ({ convictedAfter }) => convictedAfter ?? null,
    render: ({ convictedAfter }) =>
      convictedAfter === null || convictedAfter === undefined ? "never here" : count(convictedAfter),
  },
];

/** How many tokens each known cheat survives, from the committed benchmark. */
export function Detection() {
  const { has } = useConnection();
  const query = useEndpoint("console", consoleApi.benchmark, { params: { name: "proof" }, enabled: has("console") });
  if (!has("console")) {
    return (
      <Empty title="The benchmark's results come with the software, not with this page">
        <p>They are in bench/results/proof.json; npx depinfer dashboard shows them here.</p>
      </Empty>
    );
  }
  return (
    <Answered query={query} lines={10} what="the detection benchmark">
      {(raw) => {
        const parsed = resultSchema.safeParse(raw);
        return parsed.success ? (
          <Curves result={parsed.data} />
        ) : (
          <Empty title="The committed results are of another form than this page knows" />
        );
      }}
    </Answered>
  );
}

function Curves({ result }: { readonly result: z.output<typeof resultSchema> }) {
  const rows = useMemo(
    () => result.rows.flatMap((row) => (rowSchema.safeParse(row).success ? [rowSchema.parse(row)] : [])),
    [result],
  );
  const groups = useMemo(() => [...new Set(rows.map(({ group }) => group))], [rows]);
  const temperatures = useMemo(() => [...new Set(rows.map(({ temperature }) => temperature))], [rows]);
  const [group, setGroup] = useUrlState("group", groups[0] ?? "");
  const [temperature, setTemperature] = useUrlState("temperature", temperatures[0] ?? "");
  const [cheat, setCheat] = useUrlState("cheat", "");
  const measured = rows.filter((row) => row.group === group && row.temperature === temperature);
  const adversaries = [...new Set(measured.map(({ adversary }) => adversary))];
  const chosen = adversaries.find((adversary) => adversary === cheat);
  const shown = chosen === undefined ? measured : measured.filter(({ adversary }) => adversary === chosen);
  const x = [...new Set(shown.map(({ tokens }) => tokens))].sort((a, b) => a - b);
  const { honestTokens, falsePositives, falsePositiveWindows, falsePositiveHigh } = result.summary;
  return (
    <Panel
      title="Share of cheats caught, by tokens of the answer"
      explain="Each cheat was run and judged by the same code as `depinfer verify`, at 1 false positive in 10,000."
      note={`benchmark of ${result.at.slice(0, 10)}`}
    >
      <p>
        {count(honestTokens)} honest tokens gave {count(falsePositives)} false positives in{" "}
        {count(falsePositiveWindows)} pieces, so at most {chance(falsePositiveHigh)} at 95 %.
      </p>
      <Filters>
        <Select
          label="Kind of cheat"
          value={group}
          choices={groups.map((value) => ({ value, label: value }))}
          onChange={setGroup}
        />
        <Select
          label="Temperature"
          value={temperature}
          choices={temperatures.map((value) => ({ value, label: value }))}
          onChange={setTemperature}
        />
        <Select
          label="Cheat"
          value={chosen ?? ""}
          choices={[
            { value: "", label: "all of this kind" },
            ...adversaries.map((value) => ({ value, label: `${value}, with its interval` })),
          ]}
          onChange={setCheat}
        />
      </Filters>
      {x.length === 0 ? (
        <Empty title="This was not measured at this temperature" />
      ) : (
        <Plot
          label={`Share of cheats caught by number of tokens: ${chosen ?? group}`}
          height={320}
          logX
          x={x}
          series={chosen === undefined ? overview(adversaries, shown, x) : withInterval(chosen, shown, x)}
          rangeY={[0, 1.02]}
          formatX={count}
          formatY={(value) => percent(value, 0)}
          xTitle="tokens"
        />
      )}
      <DataTable
        name="detection"
        label="Cheats and how often they are caught"
        columns={COLUMNS}
        rows={shown}
        rowKey={({ adversary, tokens }) => `${adversary} ${tokens}`}
        height="24rem"
      />
    </Panel>
  );
}

/** Colours that there are; what goes on after them is told apart by dashes. */
const COLOURS = 6;

/** A line for each cheat. */
function overview(adversaries: readonly string[], rows: readonly Row[], x: readonly number[]): PlotSeries[] {
  return adversaries.map((adversary, index) => ({
    label: adversary,
    dashed: index >= COLOURS,
    values: x.map((tokens) => rows.find((row) => row.adversary === adversary && row.tokens === tokens)?.tpr ?? null),
  }));
}

/** One cheat between the bounds of its interval. */
function withInterval(adversary: string, rows: readonly Row[], x: readonly number[]): PlotSeries[] {
  const at = (pick: (row: Row) => number) =>
    x.map((tokens) => {
      const found = rows.find((row) => row.tokens === tokens);
      return found === undefined ? null : pick(found);
    });
  return [
    { label: adversary, values: at(({ tpr }) => tpr) },
    { label: "at least, 95 %", values: at(({ tprLow }) => tprLow), colour: "--ink-3", dashed: true },
    { label: "at most, 95 %", values: at(({ tprHigh }) => tprHigh), colour: "--ink-3", dashed: true },
  ];
}
