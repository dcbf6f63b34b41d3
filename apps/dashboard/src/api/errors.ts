import { DepinferError } from "@depinfer/protocol";

/** Which of the three servers. */
export type ApiName = "gateway" | "indexer" | "console";

const WHAT: Readonly<Record<ApiName, string>> = {
  gateway: "The gateway",
  indexer: "The indexer",
  console: "This page's server",
};

/** Nobody answers at an API's address. */
export function unreachable(api: ApiName, url: string, cause: unknown): DepinferError {
  return new DepinferError({
    code: "api.unreachable",
    message: `${WHAT[api]} at ${url} does not answer`,
    remedy: "Check that it runs; this page goes on by itself when it is back",
    metadata: { api, url },
    retryable: true,
    cause,
  });
}

/** What came back is not what this version of the page understands. */
export function otherVersion(api: ApiName, path: string, detail: string): DepinferError {
  return new DepinferError({
    code: "api.otherVersion",
    message: `${WHAT[api]} answered ${path} in a form that this page does not know (${detail.slice(0, 200)})`,
    remedy: "Use a dashboard and servers of the same release; reload after an update",
    metadata: { api, path },
  });
}

/** The server said no. */
export function refused(
  api: ApiName,
  status: number,
  { code, message, remedy }: { code: string | null; message: string; remedy?: string | undefined },
): DepinferError {
  return new DepinferError({
    code: code ?? `api.${status}`,
    // The gateway's messages hold their remedy already, and end like sentences.
    message: message.replace(/\.$/, ""),
    remedy: remedy ?? "",
    metadata: { api, status },
    retryable: status >= 500 || status === 429,
  });
}

/** This page was not told where an API is. */
export function notConfigured(api: ApiName): DepinferError {
  return new DepinferError({
    code: "api.notConfigured",
    message: `This page does not know where ${WHAT[api].toLowerCase()} is`,
    remedy:
      api === "console"
        ? "Open the dashboard that `npx depinfer dashboard` serves; static files alone cannot do this"
        : "Set its address under Connection",
    metadata: { api },
  });
}
