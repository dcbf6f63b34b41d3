import { indexerApi } from "@depinfer/protocol/api";
import { useEffect, useState } from "react";
import { useConnection } from "../api/connection.tsx";
import { useLiveState } from "../api/live.tsx";
import { useEndpoint } from "../api/use-endpoint.ts";
import { clockSkew } from "../format/time.ts";
import { Badge } from "../ui/badge.tsx";
import { Button } from "../ui/button.tsx";
import styles from "./layout.module.css";

/** Looked at again so often, for the clock and for whether it is there. */
const EVERY_MS = 30_000;

/** Whether events arrive, and the way to the connection's settings. */
export function NetworkState({ onOpen }: { readonly onOpen: () => void }) {
  const live = useLiveState();
  return (
    <>
      <Badge tone={live === "live" ? "proof" : live === "lost" ? "fail" : "unsure"} dot>
        <span aria-live="polite">{live === "live" ? "live" : live === "lost" ? "reconnecting" : "connecting"}</span>
      </Badge>
      <Button kind="quiet" small icon="plug" aria-label="Connection and settings" onClick={onOpen} />
    </>
  );
}

/** What holds for the whole page and has to be known: test money, no connection, a wrong clock. */
export function Notices() {
  const { config, has } = useConnection();
  const online = useOnline();
  const { data } = useEndpoint("indexer", indexerApi.version, { every: EVERY_MS, enabled: has("indexer") });
  const [received, setReceived] = useState<number | null>(null);
  useEffect(() => {
    if (data !== undefined) {
      setReceived(Date.now());
    }
  }, [data]);
  const skew = data === undefined || received === null ? null : clockSkew(data.time - received);
  const notices = [
    ...(online ? [] : ["This device is offline. What is shown is what was loaded last."]),
    ...(has("gateway") || has("indexer") ? [] : ["No network is set. Open the connection's settings, top right."]),
    ...(skew === null ? [] : [`This device's clock is ${skew}; times here are off by as much.`]),
    ...(config.testMoney ? ["Test network on this machine: its money is worth nothing."] : []),
  ];
  return (
    <>
      {notices.map((notice) => (
        <p key={notice} className={styles.notice} role="status">
          {notice}
        </p>
      ))}
    </>
  );
}

function useOnline(): boolean {
  const { config } = useConnection();
  const [online, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const update = () => setOnline(navigator.onLine);
    addEventListener("online", update);
    addEventListener("offline", update);
    return () => {
      removeEventListener("online", update);
      removeEventListener("offline", update);
    };
  }, []);
  // A network on this very machine needs no other.
  return online || config.local;
}
