import { DepinferError } from "@depinfer/protocol";
import { type ReactNode, type SyntheticEvent, useState } from "react";
import { useNavigate } from "react-router";
import { shortId } from "../../format/number.ts";
import { Button, ButtonLink } from "../../ui/button.tsx";
import { TextField } from "../../ui/field.tsx";
import { Copy, Id } from "../../ui/figures.tsx";
import { Page } from "../../ui/panel.tsx";
import { Answered, Empty } from "../../ui/state.tsx";
import styles from "./explorer.module.css";
import { KINDS, type Kind } from "./places.ts";

/** Ids longer than this are names, or nonsense. */
const MOST_TITLE = 80;

/** The page about one thing, with its whole id under the title. */
export function Thing({
  kind,
  id,
  children,
}: {
  readonly kind: Kind;
  readonly id: string;
  readonly children: ReactNode;
}) {
  const { title } = KINDS[kind];
  const [account = "", number = ""] = id.split("/");
  const short = kind === "epoch" ? `${number.slice(0, 20)} of ${shortId(account)}` : shortTitle(id);
  return (
    <Page
      title={`${title} ${short}`}
      {...(id.startsWith("0x")
        ? {
            lead: (
              <span className={styles.wholeId}>
                <Id id={id} whole />
              </span>
            ),
          }
        : {})}
      actions={
        <ButtonLink to="/explorer" small kind="quiet" icon="explorer">
          Search
        </ButtonLink>
      }
    >
      {children}
    </Page>
  );
}

function shortTitle(id: string): string {
  return id.startsWith("0x") ? shortId(id) : id.length > MOST_TITLE ? `${id.slice(0, MOST_TITLE)}…` : id;
}

/** What a query found, or in words that there is no such thing, or what went wrong. */
export function Found<Data>({
  kind,
  id,
  query,
  instead,
  children,
}: {
  readonly kind: Kind;
  readonly id: string;
  readonly query: { readonly data: Data | undefined; readonly error: Error | null; readonly refetch: () => unknown };
  /** Shown above the reasons when it is not there. */
  readonly instead?: ReactNode;
  readonly children: (data: NonNullable<Data>) => ReactNode;
}) {
  const { error, data } = query;
  if (data === undefined && error instanceof DepinferError && error.code === "index.notFound") {
    return (
      <>
        {instead}
        <Absent kind={kind} id={id} />
      </>
    );
  }
  return (
    <Answered query={query} lines={10} what={`the ${KINDS[kind].title.toLowerCase()}`}>
      {children}
    </Answered>
  );
}

export function Absent({ kind, id }: { readonly kind: Kind; readonly id: string }) {
  const { title, absent } = KINDS[kind];
  return (
    <>
      <Empty title={`No ${title.toLowerCase()} ${shortTitle(id)} is indexed`}>
        <p>{absent}</p>
        <p>A link may also be of another network, or of a local one that was started anew.</p>
      </Empty>
      <SearchAgain text={id} />
    </>
  );
}

/** Goes to the search with what was asked for, since an id may be of another kind. */
export function SearchAgain({ text }: { readonly text: string }) {
  const navigate = useNavigate();
  const [wanted, setWanted] = useState(text.slice(0, 200));
  return (
    <form
      className={styles.again}
      onSubmit={(event: SyntheticEvent) => {
        event.preventDefault();
        navigate(`/explorer?q=${encodeURIComponent(wanted.trim())}`);
      }}
    >
      <TextField
        label="Search again"
        type="search"
        maxLength={200}
        value={wanted}
        onChange={({ target }) => setWanted(target.value)}
        hint="An id may be of another kind than the link says"
      />
      <Button type="submit" icon="explorer">
        Search
      </Button>
    </form>
  );
}

/** An answer of an API as it came, for who wants to check or to keep it. */
export function Raw({ of }: { readonly of: unknown }) {
  const text = JSON.stringify(of, (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value), 2);
  return (
    <details className={styles.raw}>
      <summary>As JSON</summary>
      <div className={styles.rawBody}>
        <span className={styles.rawCopy}>
          <Copy text={text} what="JSON" />
        </span>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard */}
        <pre tabIndex={0}>{text}</pre>
      </div>
    </details>
  );
}
