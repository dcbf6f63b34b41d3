import { effectiveNumber, gini, nakamotoCoefficient, topShare } from "@depinfer/economics";
import { indexerApi } from "@depinfer/protocol/api";
import { useEndpoint } from "../../api/use-endpoint.ts";
import { count, percent } from "../../format/number.ts";
import { ButtonLink } from "../../ui/button.tsx";
import { Stat, Stats } from "../../ui/figures.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Answered, Empty } from "../../ui/state.tsx";

/** As many as one answer of the indexer holds; more would need its own figures. */
const MOST = 1_000;

/** How evenly what was earned is spread over the providers' accounts. */
export function Earners() {
  const query = useEndpoint("indexer", indexerApi.providers, { query: { limit: MOST } });
  return (
    <Panel
      title="How evenly it spreads"
      note="over accounts, of which one owner may have many"
      explain="Computed here from what each provider's account claimed. One owner with many accounts looks like many: this is the raw figure, an upper bound of how spread things are."
      actions={
        <ButtonLink small kind="quiet" to="/index">
          The whole index, by owner
        </ButtonLink>
      }
    >
      <Answered query={query} lines={2} what="the spread of earnings">
        {({ data }) => {
          const earned = data.map((provider) => Number(provider.earned));
          const most = topShare(earned, 1);
          if (most === null) {
            return <Empty title="No data: nothing was claimed yet" />;
          }
          return (
            <Stats>
              <Stat label="Gini" explain="0 when all earn alike, 1 when one earns everything.">
                {gini(earned)?.toFixed(3)}
              </Stat>
              <Stat
                label="Effective number"
                note={`of ${count(data.length)}`}
                explain="So many equal providers would be as concentrated: 10,000 divided by the Herfindahl–Hirschman index."
              >
                {effectiveNumber(earned)?.toFixed(2)}
              </Stat>
              <Stat label="Nakamoto coefficient" explain="How few accounts together earned more than half.">
                {nakamotoCoefficient(earned, 0.5)}
              </Stat>
              <Stat label="Largest share">{percent(most)}</Stat>
            </Stats>
          );
        }}
      </Answered>
    </Panel>
  );
}
