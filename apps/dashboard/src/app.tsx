import { QueryClientProvider } from "@tanstack/react-query";
import { Suspense, useState } from "react";
import { HashRouter, Navigate, Route, Routes } from "react-router";
import { type Config, ConnectionProvider } from "./api/connection.tsx";
import { LiveProvider } from "./api/live.tsx";
import { createQueryClient } from "./api/use-endpoint.ts";
import { PAGES } from "./pages/registry.ts";
import { Layout } from "./shell/layout.tsx";
import { NotFound } from "./shell/not-found.tsx";
import { Loading } from "./ui/state.tsx";

/** Places are kept behind the `#`, so that the files work on any host without rules for paths. */
export function App({ config }: { readonly config: Config }) {
  const [client] = useState(createQueryClient);
  return (
    <QueryClientProvider client={client}>
      <ConnectionProvider config={config}>
        <LiveProvider>
          <HashRouter>
            <Layout>
              <Suspense fallback={<Loading lines={8} what="the page" />}>
                <Routes>
                  <Route index element={<Navigate to="/overview" replace />} />
                  {PAGES.map(({ path, Content }) => (
                    <Route key={path} path={`/${path}/*`} element={<Content />} />
                  ))}
                  <Route path="*" element={<NotFound />} />
                </Routes>
              </Suspense>
            </Layout>
          </HashRouter>
        </LiveProvider>
      </ConnectionProvider>
    </QueryClientProvider>
  );
}
