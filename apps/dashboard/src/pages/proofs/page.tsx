import { useLocation } from "react-router";
import { Segmented } from "../../ui/field.tsx";
import { Page } from "../../ui/panel.tsx";
import { oneOf, useUrlState } from "../../ui/url-state.ts";
import { Audits } from "./audits.tsx";
import { Calibrations } from "./calibrations.tsx";
import { CheckPage } from "./check/check-page.tsx";
import { Detection } from "./detection.tsx";
import { Disputes } from "./disputes.tsx";
import { Evidence } from "./evidence.tsx";

const TABS = ["audits", "evidence", "detection", "calibration", "disputes"] as const;

/** What was computed again, what that says of providers, and how far such checks reach. */
export default function ProofsPage() {
  const [, , part, id] = useLocation().pathname.split("/");
  const [tab, setTab] = useUrlState("tab", "audits");
  if (part === "check") {
    return <CheckPage key={id ?? ""} id={id ?? ""} />;
  }
  const chosen = oneOf(tab, TABS);
  return (
    <Page
      title="Proofs"
      lead="Validators compute answers again that were drawn by lot. Here is what they found, what it adds up to, and what such checks can and cannot see."
      actions={
        <Segmented
          label="Part of the proofs"
          value={chosen}
          choices={[
            { value: "audits", label: "Audits" },
            { value: "evidence", label: "Evidence" },
            { value: "detection", label: "Detection" },
            { value: "calibration", label: "Calibration" },
            { value: "disputes", label: "Disputes" },
          ]}
          onChange={setTab}
        />
      }
    >
      {chosen === "audits" && <Audits />}
      {chosen === "evidence" && <Evidence />}
      {chosen === "detection" && <Detection />}
      {chosen === "calibration" && <Calibrations />}
      {chosen === "disputes" && <Disputes />}
    </Page>
  );
}
