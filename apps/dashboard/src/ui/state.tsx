import { DepinferError } from "@depinfer/protocol";
import type { ReactNode } from "react";
import { Button } from "./button.tsx";
import { Icon } from "./icon.tsx";
import styles from "./state.module.css";

/** Grey lines in the room that the answer will take. */
export function Loading({ lines = 4, what }: { readonly lines?: number; readonly what?: string }) {
  return (
    <div className={styles.skeleton} role="status">
      <span className="visually-hidden">Loading{what === undefined ? "" : ` ${what}`}…</span>
      {Array.from({ length: lines }, (_, index) => `line ${index}`).map((key) => (
        <span key={key} className={styles.bar} />
      ))}
    </div>
  );
}

/** Nothing is there, why that is, and what would change it. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <div className={styles.state}>
      <strong>{title}</strong>
      {children}
    </div>
  );
}

/** What went wrong, with which value, and what to do. */
export function Failure({ error, retry }: { readonly error: unknown; readonly retry?: () => void }) {
  const ours = error instanceof DepinferError ? error : null;
  return (
    <div className={`${styles.state} ${styles.failure}`} role="alert">
      <strong>{ours?.message ?? "Something on this page went wrong"}</strong>
      <span>{ours === null ? String(error) : ours.remedy}</span>
      <span>
        <code>{ours?.code ?? "page.failed"}</code>
      </span>
      {retry !== undefined && (
        <Button small onClick={retry}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** What a query gives while it is asked, when it failed, and when it is there. Old data stay when asking again fails. */
export function Answered<Data>({
  query,
  lines,
  what,
  children,
}: {
  readonly query: {
    readonly data: Data | undefined;
    readonly error: Error | null;
    readonly refetch: () => unknown;
  };
  readonly lines?: number;
  readonly what?: string;
  readonly children: (data: NonNullable<Data>) => ReactNode;
}) {
  const { data, error } = query;
  if (data !== undefined && data !== null) {
    return (
      <>
        {error !== null && (
          <p className={styles.stale} role="status">
            <Icon name="warning" size={16} /> Not up to date: {error.message}
          </p>
        )}
        {children(data)}
      </>
    );
  }
  if (error !== null) {
    return <Failure error={error} retry={() => void query.refetch()} />;
  }
  return <Loading {...(lines === undefined ? {} : { lines })} {...(what === undefined ? {} : { what })} />;
}
