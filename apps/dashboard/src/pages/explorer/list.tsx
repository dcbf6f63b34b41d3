import type { ReactNode } from "react";
import { Link } from "react-router";
import { Empty } from "../../ui/state.tsx";
import styles from "./explorer.module.css";

/** A short list of things that have pages, or in words that there are none. */
export function List({ none, children }: { readonly none: string; readonly children: readonly ReactNode[] }) {
  return children.length === 0 ? <Empty title={none} /> : <ul className={styles.list}>{children}</ul>;
}

/** One of them: what it is, and at the end a figure or a time. */
export function Line({
  to,
  text,
  children,
}: {
  readonly to: string;
  readonly text: ReactNode;
  readonly children: ReactNode;
}) {
  return (
    <li>
      <Link className={styles.hit} to={to}>
        <span>{text}</span>
        <span>{children}</span>
      </Link>
    </li>
  );
}
