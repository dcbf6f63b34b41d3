import react from "@vitejs/plugin-react";
import { defaultClientConditions, defineConfig } from "vite";

/** The console that a network on this machine serves; the development server asks it for everything but the app. */
const CONSOLE = "http://127.0.0.1:8789";

export default defineConfig({
  // Relative, so that the files work under any path of any host.
  base: "./",
  plugins: [react()],
  resolve: { conditions: ["source", ...defaultClientConditions] },
  build: {
    target: "es2024",
    // Data URLs and inline scripts would need a weaker content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { "/config.json": CONSOLE, "/api": CONSOLE } },
});
