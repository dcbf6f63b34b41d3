import { useState } from "react";
import { useConnection } from "../api/connection.tsx";
import { Button } from "../ui/button.tsx";
import { Drawer } from "../ui/drawer.tsx";
import { TextField } from "../ui/field.tsx";
import { Panel } from "../ui/panel.tsx";
import { ThemeChoice } from "./layout.tsx";

/** Where the servers are and which key is used; kept in this browser only. */
export function ConnectionDrawer({ onClose }: { readonly onClose: () => void }) {
  const { config, overrides, setOverrides } = useConnection();
  const [gatewayUrl, setGatewayUrl] = useState(overrides.gatewayUrl ?? "");
  const [indexerUrl, setIndexerUrl] = useState(overrides.indexerUrl ?? "");
  const [apiKey, setApiKey] = useState(overrides.apiKey ?? "");
  const faults = { gatewayUrl: urlFault(gatewayUrl), indexerUrl: urlFault(indexerUrl) };
  const faulty = faults.gatewayUrl !== null || faults.indexerUrl !== null;
  return (
    <Drawer title="Connection and settings" onClose={onClose}>
      <Panel
        title="Servers"
        explain="Everything on these pages comes from these servers. Anyone can run them; choose yours."
      >
        <form
          style={{ display: "grid", gap: "var(--gap-4)" }}
          onSubmit={(event) => {
            event.preventDefault();
            if (!faulty) {
              setOverrides({ gatewayUrl, indexerUrl, apiKey });
              onClose();
            }
          }}
        >
          <TextField
            label="Gateway"
            placeholder={config.gatewayUrl ?? "https://gateway.example"}
            value={gatewayUrl}
            fault={faults.gatewayUrl}
            onChange={({ target }) => setGatewayUrl(target.value.trim())}
          />
          <TextField
            label="Indexer"
            placeholder={config.indexerUrl ?? "https://indexer.example"}
            value={indexerUrl}
            fault={faults.indexerUrl}
            onChange={({ target }) => setIndexerUrl(target.value.trim())}
          />
          <TextField
            label="API key of the gateway"
            type="password"
            autoComplete="off"
            placeholder={config.apiKey ? "the test network's key" : "sk-…"}
            hint="Kept in this browser and sent to this gateway only."
            value={apiKey}
            onChange={({ target }) => setApiKey(target.value.trim())}
          />
          <div style={{ display: "flex", gap: "var(--gap-2)", flexWrap: "wrap" }}>
            <Button kind="primary" type="submit" disabled={faulty}>
              Use these
            </Button>
            <Button
              onClick={() => {
                setOverrides({});
                onClose();
              }}
            >
              Back to what this page came with
            </Button>
          </div>
        </form>
      </Panel>
      <Panel title="Theme">
        <ThemeChoice />
      </Panel>
    </Drawer>
  );
}

function urlFault(text: string): string | null {
  if (text === "" || (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol))) {
    return null;
  }
  return "Give an address like https://gateway.example";
}
