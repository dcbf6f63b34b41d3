import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { loadConfig } from "./api/connection.tsx";
import { App } from "./app.tsx";
import "./styles/tokens.css";
import "./styles/base.css";

const root = document.getElementById("root");
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <App config={await loadConfig()} />
    </StrictMode>,
  );
}
