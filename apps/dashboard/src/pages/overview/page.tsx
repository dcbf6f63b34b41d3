import { Page } from "../../ui/panel.tsx";

export default function OverviewPage() {
  return <Page title="Overview">{null}</Page>;
}
