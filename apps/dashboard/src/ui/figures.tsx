import { type ReactNode, useEffect, useState, useSyncExternalStore } from "react";
import { Link } from "react-router";
import { unitsText, usd } from "../format/money.ts";
import { shortId } from "../format/number.ts";
import { ago, dateTime } from "../format/time.ts";
import { Explain } from "./explain.tsx";
import styles from "./figures.module.css";
import { Icon } from "./icon.tsx";

/** Figures beside each other, each with its name, and what it means for who asks. */
export function Stats({ children }: { readonly children: ReactNode }) {
  return <dl className={styles.stats}>{children}</dl>;
}

export function Stat({
  label,
  explain,
  note,
  children,
}: {
  readonly label: string;
  readonly explain?: ReactNode;
  /** Unit or comparison, in small print. */
  readonly note?: ReactNode;
  readonly children: ReactNode;
}) {
  return (
    <div className={styles.stat}>
      <dt>
        {label}
        {explain !== undefined && <Explain about={label}>{explain}</Explain>}
      </dt>
      <dd>
        {children} {note !== undefined && <small>{note}</small>}
      </dd>
    </div>
  );
}

/** Pairs of a name and a value, one below the other. */
export function Facts({ children }: { readonly children: ReactNode }) {
  return <dl className={styles.facts}>{children}</dl>;
}

export function Fact({
  label,
  explain,
  children,
}: {
  readonly label: string;
  readonly explain?: ReactNode;
  readonly children: ReactNode;
}) {
  return (
    <>
      <dt>
        {label}
        {explain !== undefined && <Explain about={label}>{explain}</Explain>}
      </dt>
      <dd>{children}</dd>
    </>
  );
}

/** An amount to the unit; pointing at it shows the units. */
export function Money({ units }: { readonly units: bigint }) {
  return (
    <span className={styles.money} title={unitsText(units)}>
      {usd(units)}
    </span>
  );
}

const TICK_MS = 1_000;
const clock = {
  now: Date.now(),
  listeners: new Set<() => void>(),
  timer: undefined as ReturnType<typeof setInterval> | undefined,
};

function watchClock(listener: () => void): () => void {
  clock.listeners.add(listener);
  clock.timer ??= setInterval(() => {
    clock.now = Date.now();
    for (const tell of clock.listeners) {
      tell();
    }
  }, TICK_MS);
  return () => {
    clock.listeners.delete(listener);
    if (clock.listeners.size === 0) {
      clearInterval(clock.timer);
      clock.timer = undefined;
    }
  };
}

/** The time, each second; one timer for the whole page. */
export function useNow(): number {
  return useSyncExternalStore(watchClock, () => clock.now);
}

/** How long ago, kept up to date; pointing at it shows date and time. */
export function When({ at }: { readonly at: number }) {
  // Rendered again only when the words change.
  const words = useSyncExternalStore(watchClock, () => ago(at, Math.max(clock.now, Date.now() - TICK_MS)));
  return (
    <time dateTime={Number.isFinite(at) ? new Date(at).toISOString() : undefined} title={dateTime(at)}>
      {words}
    </time>
  );
}

/** An id in short, with its whole text to copy, and a link to what it names. */
export function Id({ id, to, whole = false }: { readonly id: string; readonly to?: string; readonly whole?: boolean }) {
  const text = whole ? id : shortId(id);
  return (
    <span className={`${styles.id} ${whole ? styles.whole : ""}`} title={id}>
      {to === undefined ? text : <Link to={to}>{text}</Link>}
      <Copy text={id} what="id" />
    </span>
  );
}

/** How long a copy button says that it did. */
const COPIED_MS = 1_500;

export function Copy({ text, what }: { readonly text: string; readonly what: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) {
      return undefined;
    }
    const timer = setTimeout(() => setCopied(false), COPIED_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <button
      type="button"
      className={styles.copy}
      aria-label={copied ? "Copied" : `Copy ${what}`}
      onClick={() => {
        navigator.clipboard?.writeText(text).then(
          () => setCopied(true),
          () => setCopied(false),
        );
      }}
    >
      <Icon name={copied ? "check" : "copy"} size={14} />
    </button>
  );
}
