import { type CalibrationView, consoleApi } from "@depinfer/protocol/api";
import { useConnection } from "../../api/connection.tsx";
import { useEndpoint } from "../../api/use-endpoint.ts";
import { count, percent } from "../../format/number.ts";
import { chance, nats } from "../../format/proof.ts";
import { Badge } from "../../ui/badge.tsx";
import { Fact, Facts, Id, Stat, Stats } from "../../ui/figures.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Answered, Empty } from "../../ui/state.tsx";

/** How honest machines of a class differ from each other, as measured: what every verdict is held against. */
export function Calibrations() {
  const { has } = useConnection();
  const query = useEndpoint("console", consoleApi.calibrations, { enabled: has("console") });
  if (!has("console")) {
    return (
      <Empty title="Calibrations come with the software, not with this page">
        <p>Open the dashboard of a machine with the command line: npx depinfer dashboard</p>
      </Empty>
    );
  }
  return (
    <Answered query={query} lines={10} what="calibrations">
      {({ data }) =>
        data.length === 0 ? (
          <Empty title="No class was measured">
            <p>Without one nobody is ever called a cheat. Measure this machine's: npx depinfer calibrate</p>
          </Empty>
        ) : (
          data.map((one) => <Calibration key={`${one.source} ${one.classId}`} one={one} />)
        )
      }
    </Answered>
  );
}

function Calibration({ one }: { readonly one: CalibrationView }) {
  const { honest, weakestCheat, provenance, runtimeClass } = one;
  return (
    <Panel
      title={`${runtimeClass.quantisation} on ${runtimeClass.backend}`}
      note={
        <Badge tone={one.source === "local" ? "info" : "plain"}>
          {one.source === "local" ? "measured here" : "shipped"}
        </Badge>
      }
    >
      <Stats>
        <Stat
          label="Honest tokens"
          note={`${count(honest.informative)} informative`}
          explain="Drawn again on another run of the same class."
        >
          {count(honest.tokens)}
        </Stat>
        <Stat label="Honest mismatches">{count(honest.mismatches)}</Stat>
        <Stat
          label="Bound on them"
          note="per informative token"
          explain={`An honest provider mismatches at most this often, with confidence ${percent(one.confidence)} (Clopper and Pearson).`}
        >
          {chance(one.honestMismatchRate)}
        </Stat>
        <Stat
          label="Weakest cheat"
          note={weakestCheat.name}
          explain="Mismatches per informative token of the least cheat that was measured. A pass has to rule it out."
        >
          {percent(one.weakestCheatRate)}
        </Stat>
        <Stat label="False positives" explain="Chance at most that an honest answer is called a failure.">
          {chance(one.falsePositiveRate)}
        </Stat>
        <Stat label="Judged from" note="informative tokens on">
          {count(one.minimumTokens)}
        </Stat>
      </Stats>
      <Facts>
        <Fact label="Class">
          <Id id={one.classId} to={`/explorer/class/${one.classId}`} />
        </Fact>
        <Fact label="Engine">{runtimeClass.engine}</Fact>
        <Fact label="Weights">
          <Id id={runtimeClass.weights} />
        </Fact>
        <Fact label="Mean margin" explain="Bound for honest providers, over informative tokens.">
          {nats(one.honestMeanMargin)}
        </Fact>
        <Fact label="Measured">
          {provenance.at} on {provenance.machine}; {provenance.tasks}; temperatures {provenance.temperatures.join(", ")}
        </Fact>
      </Facts>
    </Panel>
  );
}
