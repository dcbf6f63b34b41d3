import { type ReactNode, type RefObject, useEffect, useRef } from "react";
import { useLocation } from "react-router";
import { ButtonLink } from "../../ui/button.tsx";
import { Page } from "../../ui/panel.tsx";
import { Empty } from "../../ui/state.tsx";
import { AccountPage, ProviderPage, ValidatorPage } from "./accounts.tsx";
import { BlockPage, TransactionPage } from "./chain.tsx";
import { ChannelPage } from "./channel.tsx";
import { DisputePage } from "./dispute.tsx";
import { EpochPage } from "./epoch.tsx";
import styles from "./explorer.module.css";
import { Landing } from "./landing.tsx";
import { ClassPage, ModelPage } from "./model.tsx";
import { PassPage } from "./pass.tsx";
import { KINDS, type Kind, type Place, readPlace } from "./places.ts";
import { ReceiptPage } from "./receipt.tsx";
import { Search } from "./search.tsx";
import { SearchAgain, Thing } from "./thing.tsx";

const PAGES: Readonly<Record<Kind, (id: string) => ReactNode>> = {
  receipt: (id) => <ReceiptPage kind="receipt" id={id} />,
  request: (id) => <ReceiptPage kind="request" id={id} />,
  provider: (id) => <ProviderPage id={id} />,
  validator: (id) => <ValidatorPage id={id} />,
  account: (id) => <AccountPage id={id} />,
  channel: (id) => <ChannelPage id={id} />,
  epoch: (id) => <EpochPage id={id} />,
  tx: (id) => <TransactionPage id={id} />,
  block: (id) => <BlockPage id={id} />,
  dispute: (id) => <DisputePage id={id} />,
  pass: (id) => <PassPage id={id} />,
  model: (id) => <ModelPage id={id} />,
  class: (id) => <ClassPage id={id} />,
};

/** Whatever the chain and receipts tell, by its id, and what leads from there to what. */
export default function ExplorerPage() {
  const { pathname } = useLocation();
  const start = useStartAtTop(pathname);
  return (
    <div ref={start} className={styles.start} tabIndex={-1}>
      <Content place={readPlace(pathname)} />
    </div>
  );
}

function Content({ place }: { readonly place: Place }) {
  switch (place.at) {
    case "search":
      return (
        <Page
          title="Explorer"
          lead="Everything that the chain, receipts and offers tell in public, by its id. Prompts and answers are not among it."
        >
          <Search landing={<Landing />} />
        </Page>
      );
    case "thing":
      return (
        <Thing key={`${place.kind}/${place.id}`} kind={place.kind} id={place.id}>
          {PAGES[place.kind](place.id)}
        </Thing>
      );
    case "badId":
      return (
        <NotThere title={`That is no ${KINDS[place.kind].title.toLowerCase()}`} text={place.id}>
          It looks like {KINDS[place.kind].looks}. The link may be cut off.
        </NotThere>
      );
    default:
      return (
        <NotThere title="No such kind of thing" text={place.kind}>
          The link may be of another release of the dashboard. The search finds an id of any kind.
        </NotThere>
      );
  }
}

function NotThere({
  title,
  text,
  children,
}: {
  readonly title: string;
  readonly text: string;
  readonly children: ReactNode;
}) {
  return (
    <Page
      title={title}
      actions={
        <ButtonLink to="/explorer" small kind="quiet" icon="explorer">
          Search
        </ButtonLink>
      }
    >
      <Empty title={text === "" ? "No id was given" : `“${text.slice(0, 80)}” cannot be looked up`}>
        <p>{children}</p>
      </Empty>
      <SearchAgain text={text} />
    </Page>
  );
}

/** From one thing to the next, the reader starts at the top, with the keyboard too. */
function useStartAtTop(pathname: string): RefObject<HTMLDivElement | null> {
  const start = useRef<HTMLDivElement>(null);
  const before = useRef(pathname);
  useEffect(() => {
    if (before.current !== pathname) {
      before.current = pathname;
      scrollTo(0, 0);
      start.current?.focus({ preventScroll: true });
    }
  }, [pathname]);
  return start;
}
