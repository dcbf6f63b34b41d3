import { Segmented } from "../../ui/field.tsx";
import { Page } from "../../ui/panel.tsx";
import { oneOf, useUrlState } from "../../ui/url-state.ts";
import { NetworkIndex } from "./network-index.tsx";
import { Simulator } from "./simulator.tsx";

const TABS = ["network", "simulator"] as const;

/** How few could hold up the network, now and over time, and what would happen under other rules. */
export default function IndexPage() {
  const [tab, setTab] = useUrlState("tab", "network");
  const chosen = oneOf(tab, TABS);
  return (
    <Page
      title="Index"
      lead="Decentralised is a claim; here it is a figure. Each layer that a few could hold up is measured all the time, over the owners behind the names, and the weakest one is named."
      actions={
        <Segmented
          label="Part of the index"
          value={chosen}
          choices={[
            { value: "network", label: "This network" },
            { value: "simulator", label: "Simulator" },
          ]}
          onChange={setTab}
        />
      }
    >
      {chosen === "network" ? <NetworkIndex /> : <Simulator />}
    </Page>
  );
}
