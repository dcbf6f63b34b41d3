import { useConnection } from "../../api/connection.tsx";
import { Segmented } from "../../ui/field.tsx";
import { Page } from "../../ui/panel.tsx";
import { oneOf, useUrlState } from "../../ui/url-state.ts";
import { HomeView } from "./home/home-view.tsx";
import { PassesView } from "./passes/passes-view.tsx";
import { StatementView } from "./statement/statement-view.tsx";
import { WalletProvider } from "./wallet/use-wallet.tsx";

/** Where every unit is, what was spent, and passes. */
export default function MoneyPage() {
  const { has } = useConnection();
  // A page without a console has no home whose money it could show.
  const [tab, setTab] = useUrlState("tab", has("console") ? "home" : "passes");
  const chosen = oneOf(tab, ["home", "statement", "passes"]);
  return (
    <Page
      title="Money"
      lead="Every unit is in one place that you can name, and the contracts say when it can leave. What is bought here is signed by your own wallet."
      actions={
        <Segmented
          label="Part of the money"
          value={chosen}
          choices={[
            { value: "home", label: "Every unit" },
            { value: "statement", label: "Statement" },
            { value: "passes", label: "Passes" },
          ]}
          onChange={setTab}
        />
      }
    >
      {chosen === "home" && <HomeView />}
      {chosen === "statement" && <StatementView />}
      {chosen === "passes" && (
        <WalletProvider>
          <PassesView />
        </WalletProvider>
      )}
    </Page>
  );
}
