import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, use, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { useConnection } from "./connection.tsx";

/** Something that happened in the network, as the indexer told it. */
export interface NetworkEvent {
  readonly kind: string;
  /** Grows; unique within a connection. */
  readonly key: number;
  /** When it reached this page, ms since 1970. */
  readonly at: number;
  readonly data: unknown;
}

export type LiveState = "connecting" | "live" | "lost";

interface LiveStore {
  readonly state: () => LiveState;
  /** Newest first; replaced, never changed. */
  readonly recent: () => readonly NetworkEvent[];
  subscribe(listener: () => void): () => void;
}

const KINDS = ["block", "receipt", "audit", "dispute", "settlement", "channel", "offer", "epoch", "reset"] as const;
/** What is kept for lists that show the latest. */
const KEPT = 200;
/** Events are shown in batches: fifty a second must not render fifty times. */
const BATCH_MS = 250;
/** Queries are asked again at most so often, whatever happens. */
const REFRESH_MS = 2_000;

/** Paths of the indexer whose answers change with a kind of event. */
const CONCERNS: Readonly<Record<string, readonly string[]>> = {
  receipt: ["/receipts", "/providers", "/series", "/overview", "/models"],
  audit: ["/audits", "/providers", "/overview", "/series"],
  dispute: ["/disputes", "/providers", "/overview"],
  settlement: ["/channels", "/providers", "/overview", "/series", "/epochs"],
  channel: ["/channels", "/overview"],
  offer: ["/offers", "/models", "/prices", "/providers"],
  epoch: ["/epochs", "/receipts"],
  reset: ["/"],
};

const LiveContext = createContext<LiveStore | null>(null);

/** One stream of events for the whole page; it feeds lists and makes queries ask again. */
export function LiveProvider({ children }: { readonly children: ReactNode }) {
  const connection = useConnection();
  const client = useQueryClient();
  const url = connection.has("indexer") ? connection.server("indexer").url : null;
  const [store] = useState(createStore);

  useEffect(() => {
    if (url === null) {
      return undefined;
    }
    const source = new EventSource(`${url}/events`);
    const dirty = new Set<string>();
    const refresh = setInterval(() => {
      if (dirty.size > 0) {
        const paths = [...dirty];
        dirty.clear();
        client.invalidateQueries({
          predicate: ({ queryKey: [api, path] }) =>
            api === "indexer" && typeof path === "string" && paths.some((prefix) => path.startsWith(prefix)),
        });
      }
    }, REFRESH_MS);
    source.onopen = () => store.setState("live");
    source.onerror = () => store.setState("lost");
    for (const kind of KINDS) {
      source.addEventListener(kind, (event) => {
        store.add(kind, event.data);
        for (const path of CONCERNS[kind] ?? []) {
          dirty.add(path);
        }
      });
    }
    return () => {
      clearInterval(refresh);
      source.close();
      store.setState("connecting");
    };
  }, [url, client, store]);

  return <LiveContext value={store}>{children}</LiveContext>;
}

function createStore() {
  let state: LiveState = "connecting";
  let recent: readonly NetworkEvent[] = [];
  let waiting: NetworkEvent[] = [];
  let key = 0;
  const listeners = new Set<() => void>();
  const tell = () => {
    for (const listener of listeners) {
      listener();
    }
  };
  const show = () => {
    recent = [...waiting.reverse(), ...recent].slice(0, KEPT);
    waiting = [];
    tell();
  };
  return {
    state: () => state,
    recent: () => recent,
    subscribe(listener: () => void) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    setState(next: LiveState) {
      if (state !== next) {
        state = next;
        tell();
      }
    },
    add(kind: string, text: string) {
      waiting.push({ kind, key: ++key, at: Date.now(), data: parse(text) });
      if (waiting.length === 1) {
        setTimeout(show, BATCH_MS);
      }
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function useStore(): LiveStore {
  const store = use(LiveContext);
  if (store === null) {
    throw new Error("live events are read outside of LiveProvider");
  }
  return store;
}

/** Whether events arrive. */
export function useLiveState(): LiveState {
  const store = useStore();
  return useSyncExternalStore(store.subscribe, store.state);
}

/** The latest events of some kinds, newest first. */
export function useRecentEvents(kinds: readonly string[]): readonly NetworkEvent[] {
  const store = useStore();
  const recent = useSyncExternalStore(store.subscribe, store.recent);
  return recent.filter(({ kind }) => kinds.includes(kind));
}

/** Calls back for each new event, oldest first, without rendering. */
export function useEachEvent(onEvent: (event: NetworkEvent) => void): void {
  const store = useStore();
  const latest = useRef(onEvent);
  latest.current = onEvent;
  useEffect(() => {
    let seen = store.recent()[0]?.key ?? 0;
    return store.subscribe(() => {
      const fresh = store.recent().filter(({ key }) => key > seen);
      seen = store.recent()[0]?.key ?? seen;
      for (const event of fresh.reverse()) {
        latest.current(event);
      }
    });
  }, [store]);
}
