import { consoleConfigSchema } from "@depinfer/protocol/api";
import { createContext, type ReactNode, use, useMemo, useState } from "react";
import { z } from "zod";
import type { Server } from "./call.ts";
import { type ApiName, notConfigured } from "./errors.ts";

const url = z.url({ protocol: /^https?$/ }).transform((text) => text.replace(/\/+$/, ""));

/** `config.json` with its addresses as they are put before paths. */
export const configSchema = consoleConfigSchema.extend({
  gatewayUrl: url.nullish(),
  indexerUrl: url.nullish(),
  rpcUrl: url.nullish(),
});
export type Config = z.output<typeof configSchema>;

/** What the reader set, over what `config.json` says. */
const overridesSchema = z.object({
  gatewayUrl: url.optional(),
  indexerUrl: url.optional(),
  apiKey: z.string().optional(),
});
export type Overrides = z.output<typeof overridesSchema>;

export interface Connection {
  readonly config: Config;
  readonly overrides: Overrides;
  /** Keeps settings in this browser; an empty text goes back to `config.json`. */
  setOverrides(overrides: Overrides): void;
  /** @throws DepinferError `api.notConfigured`. */
  server(api: ApiName): Server;
  has(api: ApiName): boolean;
}

const STORE = "depinfer.connection";

function readOverrides(): Overrides {
  try {
    return overridesSchema.parse(JSON.parse(localStorage.getItem(STORE) ?? "{}"));
  } catch {
    return {};
  }
}

/** Reads `config.json` beside the page; without one only what the reader sets counts. */
export async function loadConfig(): Promise<Config> {
  const response = await fetch("config.json", { cache: "no-store" }).catch(() => null);
  const json: unknown = response?.ok === true ? await response.json().catch(() => ({})) : {};
  const parsed = configSchema.safeParse(json);
  return parsed.success ? parsed.data : configSchema.parse({});
}

const ConnectionContext = createContext<Connection | null>(null);

export function ConnectionProvider({ config, children }: { readonly config: Config; readonly children: ReactNode }) {
  const [overrides, setOverrides] = useState(readOverrides);
  const connection = useMemo<Connection>(() => {
    const urls: Readonly<Record<ApiName, string | null | undefined>> = {
      gateway: overrides.gatewayUrl ?? config.gatewayUrl,
      indexer: overrides.indexerUrl ?? config.indexerUrl,
      console: config.console ? "" : null,
    };
    return {
      config,
      overrides,
      setOverrides(next) {
        const kept = overridesSchema.parse(
          Object.fromEntries(Object.entries(next).filter(([, value]) => value !== "")),
        );
        localStorage.setItem(STORE, JSON.stringify(kept));
        setOverrides(kept);
      },
      server(api) {
        const found = urls[api];
        if (found === null || found === undefined) {
          throw notConfigured(api);
        }
        return api === "gateway"
          ? { api, url: found, apiKey: overrides.apiKey ?? config.apiKey ?? null }
          : { api, url: found };
      },
      has: (api) => typeof urls[api] === "string",
    };
  }, [config, overrides]);
  return <ConnectionContext value={connection}>{children}</ConnectionContext>;
}

export function useConnection(): Connection {
  const connection = use(ConnectionContext);
  if (connection === null) {
    throw new Error("useConnection stands outside of ConnectionProvider");
  }
  return connection;
}
