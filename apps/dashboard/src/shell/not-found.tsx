import { useLocation } from "react-router";
import { ButtonLink } from "../ui/button.tsx";
import { Page } from "../ui/panel.tsx";
import { Empty } from "../ui/state.tsx";

/** A place that does not exist. */
export function NotFound() {
  const { pathname } = useLocation();
  return (
    <Page title="No such page">
      <Empty title={`There is nothing at ${pathname.slice(0, 200)}`}>
        <p>The link may be of another release, or cut off. Ids can be looked up in the explorer.</p>
        <ButtonLink to="/explorer" icon="explorer">
          Search the explorer
        </ButtonLink>
      </Empty>
    </Page>
  );
}
