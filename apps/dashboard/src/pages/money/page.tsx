import { Page } from "../../ui/panel.tsx";

export default function MoneyPage() {
  return <Page title="Money">{null}</Page>;
}
