import { addressSchema, type Hex } from "@depinfer/protocol";
import { indexerApi } from "@depinfer/protocol/api";
import { useMemo } from "react";
import { useEndpoint } from "../../api/use-endpoint.ts";
import { count, plural, shortId } from "../../format/number.ts";
import { Badge, VerdictBadge } from "../../ui/badge.tsx";
import { Select } from "../../ui/field.tsx";
import { Fact, Facts, Id } from "../../ui/figures.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Plot } from "../../ui/plot.tsx";
import { Answered, Empty } from "../../ui/state.tsx";
import { useUrlState } from "../../ui/url-state.ts";
import { type ClassCourse, courseOf } from "./evidence-course.ts";

const MOST = 1_000;

/** A provider's sequential test over time, computed in this browser from what the chain says. */
export function Evidence() {
  const [wanted, setWanted] = useUrlState("provider", "");
  const providers = useEndpoint("indexer", indexerApi.providers, {
    query: { limit: MOST, sort: "receipts", order: "desc" },
  });
  return (
    <Panel
      title="What all audits say together"
      explain="Verdicts add up to evidence against the assumption that the provider is honest. It may be looked at after every verdict: the chance that any honest provider ever crosses the line is at most 1 in 10,000, over all providers and all time."
      note="added up in this browser from the chain's events"
    >
      <Answered query={providers} lines={6} what="providers">
        {({ data }) => {
          const given = addressSchema.safeParse(wanted.toLowerCase());
          const chosen = given.success ? given.data : data[0]?.provider;
          if (chosen === undefined) {
            return <Empty title="No provider has registered yet" />;
          }
          const listed = data.some(({ provider }) => provider === chosen);
          return (
            <>
              <Select
                label="Provider"
                value={chosen}
                choices={[
                  ...(listed ? [] : [{ value: chosen, label: `${shortId(chosen)} (not in the list)` }]),
                  ...data.map(({ provider, receipts, adversary }) => ({
                    value: provider,
                    label: `${shortId(provider)}, ${plural(receipts, "answer")}${adversary === null ? "" : ", TEST ADVERSARY"}`,
                  })),
                ]}
                onChange={setWanted}
              />
              <Course provider={chosen} />
            </>
          );
        }}
      </Answered>
    </Panel>
  );
}

function Course({ provider }: { readonly provider: Hex }) {
  const query = useEndpoint("indexer", indexerApi.evidence, { params: { provider }, every: 5_000 });
  const course = useMemo(() => (query.data === undefined ? null : courseOf(query.data)), [query.data]);
  return (
    <Answered query={query} lines={8} what="evidence">
      {() => {
        if (course === null || course.classes.length === 0) {
          return (
            <Empty title="No verdict on this provider counts yet">
              <p>A verdict counts when the lot selected the receipt and drew the validator, and it came in time.</p>
            </Empty>
          );
        }
        const left = Object.entries(course.uncounted).filter(([, amount]) => amount > 0);
        return (
          <>
            {course.classes.map((one) => (
              <ClassPlot key={one.classId} course={one} />
            ))}
            <Facts>
              <Fact
                label="Without effect"
                explain="Verdicts that do not count, and why: no beacon, too late, not selected, not drawn, said again, impossible."
              >
                {left.length === 0
                  ? "no verdict"
                  : left.map(([reason, amount]) => `${count(amount)} ${reason}`).join(", ")}
              </Fact>
              {course.unknown > 0 && (
                <Fact label="Not understood">{plural(course.unknown, "event")} of the indexer, left out</Fact>
              )}
            </Facts>
          </>
        );
      }}
    </Answered>
  );
}

function ClassPlot({ course: { classId, outcome, failAt, passAt, points } }: { readonly course: ClassCourse }) {
  const last = points.at(-1);
  const plotted = useMemo(
    () => ({
      // Before the first verdict nothing speaks for or against anybody: E is 1.
      x: [0, ...points.map(({ verdicts }) => verdicts)],
      against: [0, ...points.map(({ logEvidence }) => logEvidence)],
      cleared: [0, ...points.map(({ logCleared }) => logCleared)],
    }),
    [points],
  );
  return (
    <section>
      <h3>
        Class <Id id={classId} to={`/explorer/class/${classId}`} />{" "}
        {outcome === null ? (
          <Badge tone="unsure">not calibrated: never judged</Badge>
        ) : (
          <VerdictBadge verdict={outcome} />
        )}
      </h3>
      {last !== undefined && (
        <p>
          {plural(last.verdicts, "verdict")}, {count(last.tokens)} informative tokens, {count(last.mismatches)} of them
          other than seed and weights draw. One unit of ln E is a factor of 2.7.
        </p>
      )}
      {failAt !== null && passAt !== null && (
        <Plot
          label="Evidence after each verdict, natural logarithm"
          x={plotted.x}
          series={[
            { label: "against honesty", values: plotted.against, colour: "--fail" },
            { label: "convicted at", values: plotted.x.map(() => failAt), colour: "--fail", dashed: true },
            { label: "against the weakest cheat", values: plotted.cleared, colour: "--proof" },
            { label: "cleared at", values: plotted.x.map(() => passAt), colour: "--proof", dashed: true },
          ]}
          wholeX
          formatX={count}
          formatY={(value) => value.toFixed(1)}
          xTitle="verdicts that count"
          yTitle="ln E"
        />
      )}
    </section>
  );
}
