import { useEffect, useState } from "react";
import { useUrlState } from "../../ui/url-state.ts";
import { DEFAULTS, type Settings, settingsSchema } from "./settings.ts";

const STORE = "depinfer.playground.settings";

function restore(): Settings {
  try {
    return settingsSchema.parse({ ...DEFAULTS, ...JSON.parse(sessionStorage.getItem(STORE) ?? "{}") });
  } catch {
    return DEFAULTS;
  }
}

/**
 * The settings of this tab. The model stands in the URL, and is the first on offer when that names none; `missing` is one
 * that it names and nobody offers, in whose place no other is bought.
 */
export function useSettings(models: readonly string[]) {
  const [settings, setSettings] = useState(restore);
  const [named, setNamed] = useUrlState("model", "");
  useEffect(() => {
    try {
      sessionStorage.setItem(STORE, JSON.stringify(settings));
    } catch {
      // No storage here; the settings last as long as the page.
    }
  }, [settings]);
  const model = named === "" ? (models[0] ?? "") : models.includes(named) ? named : "";
  return {
    settings: { ...settings, model },
    missing: named !== "" && model === "" ? named : null,
    change({ model: wanted, ...rest }: Partial<Settings>) {
      if (wanted !== undefined) {
        setNamed(wanted);
      }
      if (Object.keys(rest).length > 0) {
        setSettings((before) => ({ ...before, ...rest }));
      }
    },
  };
}
