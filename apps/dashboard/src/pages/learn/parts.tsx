import type { ReactNode } from "react";
import { ButtonLink } from "../../ui/button.tsx";
import type { IconName } from "../../ui/icon.tsx";
import styles from "./learn.module.css";

/** Running text. */
export function Prose({ children }: { readonly children: ReactNode }) {
  return <div className={styles.prose}>{children}</div>;
}

/** What a topic ends in. */
export function TryIt({
  to,
  icon,
  label,
  children,
}: {
  readonly to: string;
  readonly icon: IconName;
  readonly label: string;
  readonly children: ReactNode;
}) {
  return (
    <div className={styles.try}>
      <p>{children}</p>
      <ButtonLink to={to} icon={icon} kind="primary">
        {label}
      </ButtonLink>
    </div>
  );
}

/** Something to play with, and what to look at. */
export function Figure({ caption, children }: { readonly caption: ReactNode; readonly children: ReactNode }) {
  return (
    <figure className={styles.figure}>
      {children}
      <figcaption>{caption}</figcaption>
    </figure>
  );
}
