import { Page } from "../../ui/panel.tsx";

export default function ProofsPage() {
  return <Page title="Proofs">{null}</Page>;
}
