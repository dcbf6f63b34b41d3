import { memo, useState } from "react";
import { shortId } from "../../format/number.ts";
import { duration } from "../../format/time.ts";
import { Badge } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { TextArea } from "../../ui/field.tsx";
import { Copy } from "../../ui/figures.tsx";
import type { Turn } from "./conversation.ts";
import styles from "./playground.module.css";

/** One turn. Those that are done are not rendered again while another one streams. */
export const Message = memo(function Message({
  turn,
  last,
  onOpen,
  onRegenerate,
  onEdit,
  onGoOn,
  onResults,
}: {
  readonly turn: Turn;
  readonly last: boolean;
  readonly onOpen: (key: string) => void;
  readonly onRegenerate: (key: string) => void;
  readonly onEdit: (key: string, text: string) => void;
  readonly onGoOn: () => void;
  readonly onResults: (results: readonly { readonly id: string; readonly content: string }[]) => void;
}) {
  const { role, content, answer, toolCalls, key } = turn;
  if (role === "user") {
    return <Asked content={content} onEdit={(text) => onEdit(key, text)} />;
  }
  if (role === "tool") {
    return (
      <li className={`${styles.turn} ${styles.user}`}>
        <Badge tone="info">tool result</Badge>
        <div className={styles.text}>{content}</div>
      </li>
    );
  }
  const streaming = answer?.state === "streaming";
  return (
    <li className={styles.turn} aria-busy={streaming}>
      <span className="visually-hidden">Answer:</span>
      <div className={`${styles.text} ${streaming ? styles.caret : ""}`}>{content}</div>
      {toolCalls.map((call) => (
        <div key={call.id} className={styles.call}>
          <span>
            <Badge tone="info">tool call</Badge> <strong>{call.name.slice(0, 100)}</strong>
          </span>
          <pre className={styles.code}>{call.arguments}</pre>
        </div>
      ))}
      {last && toolCalls.length > 0 && answer?.state === "done" && <ToolResults turn={turn} onResults={onResults} />}
      {answer?.fault !== null && answer !== null && (
        <div role="alert" className={styles.call}>
          <strong>{answer.fault.message}</strong>
          <span>{answer.fault.remedy}</span>
          <code>{answer.fault.code}</code>
        </div>
      )}
      {answer !== null && !streaming && (
        <div className={styles.meta}>
          {answer.receiptId !== null && (
            <Button small icon="proofs" onClick={() => onOpen(key)}>
              Receipt and proof
            </Button>
          )}
          <Button small kind="quiet" onClick={() => onRegenerate(key)}>
            Ask again
          </Button>
          {last && answer.finish === "length" && (
            <Button small kind="quiet" onClick={onGoOn}>
              Go on
            </Button>
          )}
          <Copy text={content} what="answer" />
          <span>
            {answer.state === "stopped" && "stopped · "}
            {answer.outputTokens !== null && `${answer.outputTokens} tokens · `}
            {answer.firstTokenMs !== null && `first after ${duration(answer.firstTokenMs)} · `}
            {answer.milliseconds !== null && `${duration(answer.milliseconds)} · `}
            {answer.provider !== null && `from ${shortId(answer.provider)}`}
            {answer.finish === "length" && " · cut off at the most tokens"}
          </span>
        </div>
      )}
    </li>
  );
});

/** A message of the reader's, which can be changed and asked again. */
function Asked({ content, onEdit }: { readonly content: string; readonly onEdit: (text: string) => void }) {
  const [draft, setDraft] = useState<string | null>(null);
  if (draft === null) {
    return (
      <li className={`${styles.turn} ${styles.asked}`}>
        <span className="visually-hidden">You:</span>
        <div className={`${styles.text} ${styles.user}`}>{content}</div>
        <Button small kind="quiet" onClick={() => setDraft(content)}>
          Edit
        </Button>
      </li>
    );
  }
  return (
    <li className={styles.turn}>
      <form
        className={styles.call}
        onSubmit={(event) => {
          event.preventDefault();
          setDraft(null);
          onEdit(draft);
        }}
      >
        <TextArea
          label="Your message"
          hint="Answers that came after it are dropped from this conversation; their receipts stay."
          rows={3}
          autoFocus
          value={draft}
          onChange={({ target }) => setDraft(target.value)}
        />
        <div className={styles.suggestions}>
          <Button small kind="primary" type="submit" disabled={draft.trim() === ""}>
            Ask this instead
          </Button>
          <Button small kind="quiet" onClick={() => setDraft(null)}>
            Cancel
          </Button>
        </div>
      </form>
    </li>
  );
}

function ToolResults({
  turn: { toolCalls },
  onResults,
}: {
  readonly turn: Turn;
  readonly onResults: (results: readonly { readonly id: string; readonly content: string }[]) => void;
}) {
  const [texts, setTexts] = useState<Readonly<Record<string, string>>>({});
  return (
    <form
      className={styles.call}
      onSubmit={(event) => {
        event.preventDefault();
        onResults(toolCalls.map(({ id }) => ({ id, content: texts[id] ?? "" })));
      }}
    >
      {toolCalls.map(({ id, name }) => (
        <TextArea
          key={id}
          label={`What ${name.slice(0, 60)} gives back`}
          rows={2}
          placeholder='{"temperature": 18}'
          value={texts[id] ?? ""}
          onChange={({ target }) => setTexts((before) => ({ ...before, [id]: target.value }))}
        />
      ))}
      <Button small kind="primary" type="submit">
        Send results
      </Button>
    </form>
  );
}
