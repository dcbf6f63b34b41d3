import { Page } from "../../ui/panel.tsx";

export default function ExplorerPage() {
  return <Page title="Explorer">{null}</Page>;
}
