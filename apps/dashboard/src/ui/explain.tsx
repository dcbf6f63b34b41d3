import { type ReactNode, type ToggleEvent, useId, useRef } from "react";
import styles from "./explain.module.css";

/** Room between the mark and its text, and between the text and the window's edge, in pixels. */
const GAP = 8;

/** A question mark that tells what a figure is, where it comes from and what it does not say. */
export function Explain({ about, children }: { readonly about: string; readonly children: ReactNode }) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);

  function place({ currentTarget: text, newState }: ToggleEvent<HTMLElement>): void {
    const mark = button.current?.getBoundingClientRect();
    if (newState !== "open" || mark === undefined) {
      return;
    }
    const { width, height } = text.getBoundingClientRect();
    const below = mark.bottom + GAP + height < innerHeight;
    text.style.left = `${Math.max(GAP, Math.min(mark.left - GAP, innerWidth - width - GAP))}px`;
    text.style.top = `${below ? mark.bottom + GAP : Math.max(GAP, mark.top - height - GAP)}px`;
  }

  return (
    <>
      <button ref={button} type="button" className={styles.button} popoverTarget={id} aria-label={`About: ${about}`}>
        <span aria-hidden="true">?</span>
      </button>
      <span id={id} popover="auto" className={styles.text} onToggle={place} role="note">
        {children}
      </span>
    </>
  );
}
