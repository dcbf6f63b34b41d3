import { Page } from "../../ui/panel.tsx";

export default function PlaygroundPage() {
  return <Page title="Playground">{null}</Page>;
}
