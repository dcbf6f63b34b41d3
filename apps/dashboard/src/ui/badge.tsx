import type { ReactNode } from "react";
import type { Tone } from "../format/proof.ts";
import { verdictTone } from "../format/proof.ts";
import styles from "./badge.module.css";

/** A few words about a state. The words carry it; the colour only helps. */
export function Badge({
  tone = "plain",
  dot = false,
  children,
}: {
  readonly tone?: Tone;
  readonly dot?: boolean;
  readonly children: ReactNode;
}) {
  return (
    <span className={`${styles.badge} ${styles[tone] ?? ""}`}>
      {dot && <span className={styles.dot} aria-hidden="true" />}
      {children}
    </span>
  );
}

/** `pass`, `inconclusive` or `fail`. */
export function VerdictBadge({ verdict }: { readonly verdict: string }) {
  return (
    <Badge tone={verdictTone(verdict)} dot>
      {verdict}
    </Badge>
  );
}
