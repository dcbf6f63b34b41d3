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

/** The settings of this tab. The model stands in the URL, and is the first on offer when that names none. */
export function useSettings(models: readonly string[]) {
  const [settings, setSettings] = useState(restore);
  const [named, setNamed] = useUrlState("model", "");
  useEffect(() => {
    sessionStorage.setItem(STORE, JSON.stringify(settings));
  }, [settings]);
  const model = models.includes(named) ? named : (models[0] ?? "");
  return {
    settings: { ...settings, model },
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
