import { type ReactNode, useRef } from "react";
import { Button } from "../../ui/button.tsx";
import styles from "./playground.module.css";

const MOST_CHARACTERS = 200_000;

/** Where the prompt is written. Enter sends, Shift and Enter begins a line. */
export function Composer({
  value,
  busy,
  disabled,
  onChange,
  onSend,
  onStop,
  children,
}: {
  readonly value: string;
  readonly busy: boolean;
  /** Whether something is wrong with the settings. */
  readonly disabled: boolean;
  readonly onChange: (value: string) => void;
  readonly onSend: () => void;
  readonly onStop: () => void;
  /** What has to be known before sending. */
  readonly children: ReactNode;
}) {
  const form = useRef<HTMLFormElement>(null);
  return (
    <form
      ref={form}
      className={styles.composer}
      onSubmit={(event) => {
        event.preventDefault();
        onSend();
      }}
    >
      <textarea
        aria-label="Message"
        placeholder="Write to the model"
        value={value}
        maxLength={MOST_CHARACTERS}
        onChange={({ target }) => onChange(target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
            event.preventDefault();
            form.current?.requestSubmit();
          }
        }}
      />
      <div className={styles.row}>
        {children}
        {/* Keys, so that a click that was meant for one does not land on the other. */}
        {busy ? (
          <Button key="stop" icon="stop" onClick={onStop}>
            Stop
          </Button>
        ) : (
          <Button key="send" kind="primary" icon="send" type="submit" disabled={disabled || value.trim() === ""}>
            Send
          </Button>
        )}
      </div>
    </form>
  );
}
