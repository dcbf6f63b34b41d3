import { useState } from "react";

export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const STORE = "depinfer.theme";

/** The reader's choice, kept in this browser; `auto` follows the system. */
export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState<Theme>(
    () => THEMES.find((one) => one === document.documentElement.dataset.theme) ?? "auto",
  );
  return [
    theme,
    (next) => {
      if (next === "auto") {
        delete document.documentElement.dataset.theme;
        localStorage.removeItem(STORE);
      } else {
        document.documentElement.dataset.theme = next;
        localStorage.setItem(STORE, next);
      }
      setTheme(next);
    },
  ];
}
