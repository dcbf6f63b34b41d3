import { type CSSProperties, type ReactNode, useEffect, useId } from "react";
import { Explain } from "./explain.tsx";
import styles from "./panel.module.css";

/** What stands on a page: one heading, one sentence about it, and the parts. */
export function Page({
  title,
  lead,
  actions,
  children,
}: {
  readonly title: string;
  readonly lead?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} · Depinfer`;
  }, [title]);
  return (
    <div className={styles.page}>
      <header className={styles.head}>
        <div>
          <h1>{title}</h1>
          {lead !== undefined && <p className={styles.lead}>{lead}</p>}
        </div>
        {actions}
      </header>
      {children}
    </div>
  );
}

/** A titled part of a page. */
export function Panel({
  title,
  explain,
  note,
  actions,
  children,
}: {
  readonly title: string;
  /** What a reader who wonders is told. */
  readonly explain?: ReactNode;
  /** A few words beside the title. */
  readonly note?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}) {
  const id = useId();
  return (
    <section className={styles.panel} aria-labelledby={id}>
      <div className={styles.panelHead}>
        <h2>
          <span id={id}>{title}</span>
          {explain !== undefined && <Explain about={title}>{explain}</Explain>}
        </h2>
        {note !== undefined && <span className={styles.note}>{note}</span>}
        {actions}
      </div>
      {children}
    </section>
  );
}

/** Parts side by side where there is room; each at least `least` wide. */
export function Columns({ least, children }: { readonly least?: string; readonly children: ReactNode }) {
  const style: CSSProperties & Readonly<Record<"--least", string>> = { "--least": least ?? "22rem" };
  return (
    <div className={styles.columns} style={style}>
      {children}
    </div>
  );
}
