import { useState } from "react";
import { useNavigate } from "react-router";
import { Button, ButtonLink } from "../../ui/button.tsx";
import { TextField } from "../../ui/field.tsx";
import styles from "./overview.module.css";

/** What the model of the test network is good at. */
const SUGGESTIONS = ["Tell me a short story about a fox.", "What is a receipt?", "What does a validator do?"] as const;

/** A prompt, sent from the playground at once. */
export function TryIt() {
  const navigate = useNavigate();
  const [prompt, setPrompt] = useState("");
  const send = (text: string) => navigate(`/playground?send=${encodeURIComponent(text)}`);
  return (
    <form
      className={styles.try}
      onSubmit={(event) => {
        event.preventDefault();
        send(prompt.trim() === "" ? SUGGESTIONS[0] : prompt.trim());
      }}
    >
      <h2>Try it</h2>
      <TextField
        label="Ask something"
        placeholder={SUGGESTIONS[0]}
        value={prompt}
        maxLength={4_000}
        onChange={({ target }) => setPrompt(target.value)}
      />
      <div className={styles.suggestions}>
        {SUGGESTIONS.map((text) => (
          <Button key={text} small onClick={() => send(text)}>
            {text}
          </Button>
        ))}
      </div>
      <div className={styles.suggestions}>
        <Button kind="primary" icon="send" type="submit">
          Ask and verify
        </Button>
        <ButtonLink kind="quiet" to="/learn/request">
          How it works
        </ButtonLink>
      </div>
    </form>
  );
}
