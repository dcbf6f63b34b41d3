import { type ComponentProps, type ReactNode, useId } from "react";
import { Explain } from "./explain.tsx";
import styles from "./field.module.css";

interface Labelled {
  readonly label: string;
  readonly explain?: ReactNode;
  readonly hint?: ReactNode;
  /** What is wrong with the value. */
  readonly fault?: string | null;
}

function Labels({
  id,
  label,
  explain,
  hint,
  fault,
  children,
}: Labelled & { readonly id: string; readonly children: ReactNode }) {
  return (
    <div className={styles.field}>
      <span className={styles.label}>
        <label htmlFor={id}>{label}</label>
        {explain !== undefined && <Explain about={label}>{explain}</Explain>}
      </span>
      {children}
      {hint !== undefined && (
        <span className={styles.hint} id={`${id}-hint`}>
          {hint}
        </span>
      )}
      {fault !== undefined && fault !== null && (
        <span className={styles.fault} id={`${id}-fault`} role="alert">
          {fault}
        </span>
      )}
    </div>
  );
}

function describedBy(id: string, { hint, fault }: Labelled): string | undefined {
  const ids = [...(hint === undefined ? [] : [`${id}-hint`]), ...(fault ? [`${id}-fault`] : [])];
  return ids.length === 0 ? undefined : ids.join(" ");
}

/** One line of text or a number, with its name and what is wrong with it. */
export function TextField({ label, explain, hint, fault, ...rest }: Labelled & ComponentProps<"input">) {
  const id = useId();
  const labels = { label, explain, hint, fault: fault ?? null };
  return (
    <Labels id={id} {...labels}>
      <input
        {...rest}
        id={id}
        className={styles.control}
        aria-invalid={fault ? true : undefined}
        aria-describedby={describedBy(id, labels)}
      />
    </Labels>
  );
}

export function TextArea({ label, explain, hint, fault, ...rest }: Labelled & ComponentProps<"textarea">) {
  const id = useId();
  const labels = { label, explain, hint, fault: fault ?? null };
  return (
    <Labels id={id} {...labels}>
      <textarea
        {...rest}
        id={id}
        className={styles.control}
        aria-invalid={fault ? true : undefined}
        aria-describedby={describedBy(id, labels)}
      />
    </Labels>
  );
}

export interface Choice<Value extends string> {
  readonly value: Value;
  readonly label: string;
}

/** One of a list. */
export function Select<Value extends string>({
  label,
  explain,
  hint,
  value,
  choices,
  onChange,
  disabled = false,
}: Labelled & {
  readonly value: Value;
  readonly choices: readonly Choice<Value>[];
  readonly onChange: (value: Value) => void;
  readonly disabled?: boolean;
}) {
  const id = useId();
  const labels = { label, explain, hint };
  return (
    <Labels id={id} {...labels}>
      <select
        id={id}
        className={styles.control}
        value={value}
        disabled={disabled}
        aria-describedby={describedBy(id, labels)}
        onChange={({ target }) => {
          const chosen = choices.find((choice) => choice.value === target.value);
          if (chosen !== undefined) {
            onChange(chosen.value);
          }
        }}
      >
        {choices.map((choice) => (
          <option key={choice.value} value={choice.value}>
            {choice.label}
          </option>
        ))}
      </select>
    </Labels>
  );
}

/** One of a few, all visible. */
export function Segmented<Value extends string>({
  label,
  value,
  choices,
  onChange,
}: {
  readonly label: string;
  readonly value: Value;
  readonly choices: readonly Choice<Value>[];
  readonly onChange: (value: Value) => void;
}) {
  return (
    <fieldset className={styles.segments} aria-label={label} style={{ margin: 0 }}>
      {choices.map((choice) => (
        <button
          key={choice.value}
          type="button"
          aria-pressed={choice.value === value}
          onClick={() => onChange(choice.value)}
        >
          {choice.label}
        </button>
      ))}
    </fieldset>
  );
}

/** Fields side by side above what they filter. */
export function Filters({ children }: { readonly children: ReactNode }) {
  return <search className={styles.filters}>{children}</search>;
}
