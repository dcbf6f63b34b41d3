import { useState } from "react";
import { Drawer } from "../../ui/drawer.tsx";
import { Segmented } from "../../ui/field.tsx";
import { Copy } from "../../ui/figures.tsx";
import { codeOf, type Language } from "./export-code.ts";
import styles from "./playground.module.css";

/** The conversation so far, with its settings, as code for an app. */
export function ExportDrawer({
  gatewayUrl,
  body,
  onClose,
}: {
  readonly gatewayUrl: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly onClose: () => void;
}) {
  const [language, setLanguage] = useState<Language>("curl");
  const code = codeOf(language, gatewayUrl, body);
  return (
    <Drawer title="As code" onClose={onClose}>
      <div className={styles.row}>
        <Segmented
          label="Language"
          value={language}
          choices={[
            { value: "curl", label: "curl" },
            { value: "python", label: "Python" },
            { value: "typescript", label: "TypeScript" },
          ]}
          onChange={setLanguage}
        />
        <Copy text={code} what="code" />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard */}
      <pre className={styles.code} tabIndex={0}>
        {code}
      </pre>
      <p>Put your API key where YOUR_API_KEY stands. Any library for OpenAI's API works the same way.</p>
    </Drawer>
  );
}
