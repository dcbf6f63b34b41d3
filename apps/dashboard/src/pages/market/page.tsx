import { Page } from "../../ui/panel.tsx";

export default function MarketPage() {
  return <Page title="Market">{null}</Page>;
}
