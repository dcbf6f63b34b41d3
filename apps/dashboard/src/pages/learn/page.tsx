import { Page } from "../../ui/panel.tsx";

export default function LearnPage() {
  return <Page title="Learn">{null}</Page>;
}
