import { useLocation } from "react-router";
import { Segmented } from "../../ui/field.tsx";
import { Page } from "../../ui/panel.tsx";
import { oneOf, useUrlState } from "../../ui/url-state.ts";
import { Earn } from "./earn.tsx";
import { ModelCards } from "./model-cards.tsx";
import { OfferTable } from "./offer-table.tsx";
import { PriceHistory } from "./price-history.tsx";
import { ProviderPage } from "./provider-page.tsx";
import { ProviderTable } from "./provider-table.tsx";

/** Who offers what, for how much, and how they have done. */
export default function MarketPage() {
  const [, , part, id] = useLocation().pathname.split("/");
  const [tab, setTab] = useUrlState("tab", "models");
  if (part === "providers" && id !== undefined) {
    return <ProviderPage provider={decodeURIComponent(id)} />;
  }
  const chosen = oneOf(tab, ["models", "offers", "providers", "prices", "earn"]);
  return (
    <Page
      title="Market"
      lead="Signed offers of anyone who serves a model. Work is drawn among those that satisfy your policy, by free slots, never by name or stake."
      actions={
        <Segmented
          label="Part of the market"
          value={chosen}
          choices={[
            { value: "models", label: "Models" },
            { value: "offers", label: "Offers" },
            { value: "providers", label: "Providers" },
            { value: "prices", label: "Prices" },
            { value: "earn", label: "Earn" },
          ]}
          onChange={setTab}
        />
      }
    >
      {chosen === "models" && <ModelCards />}
      {chosen === "offers" && <OfferTable />}
      {chosen === "providers" && <ProviderTable />}
      {chosen === "prices" && <PriceHistory />}
      {chosen === "earn" && <Earn />}
    </Page>
  );
}
