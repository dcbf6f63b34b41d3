import { DepinferError, errorMessage } from "@depinfer/protocol";
import { apiErrorSchema, type Endpoint } from "@depinfer/protocol/api";
import type { z } from "zod";
import { readAccess } from "./gateway-client.ts";

/** An indexer's read-only API. */
export interface IndexerClient {
  readonly url: string;
  /** @throws DepinferError with the indexer's own code, `indexer.unreachable` or `indexer.otherVersion`. */
  get<Query extends z.ZodType, Answer extends z.ZodType>(
    endpoint: Endpoint<Query, Answer>,
    asked?: {
      readonly params?: Readonly<Record<string, string>>;
      readonly query?: Readonly<Record<string, string | number | undefined>>;
    },
  ): Promise<z.output<Answer>>;
}

const TIMEOUT_MS = 60_000;

/** The indexer at `url`; that of the local network in `home` when it is left out. @throws DepinferError `access.missing`. */
export function openIndexer({
  url,
  home,
}: {
  readonly url?: string | undefined;
  readonly home: string;
}): IndexerClient {
  const base = url ?? readAccess(home).indexerUrl ?? "";
  return {
    url: base,
    async get(endpoint, { params = {}, query = {} } = {}) {
      const path = endpoint.path.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
      const asked = new URL(path, base);
      for (const [name, value] of Object.entries(query)) {
        if (value !== undefined) {
          asked.searchParams.set(name, String(value));
        }
      }
      const response = await fetch(asked, {
        signal: AbortSignal.timeout(TIMEOUT_MS),
      }).catch((cause: unknown) => {
        throw new DepinferError({
          code: "indexer.unreachable",
          message: `The indexer at ${base} does not answer: ${errorMessage(cause)}`,
          remedy: "Start one with `npm start`, or pass --indexer-url of one that runs",
          metadata: { url: base },
          cause,
        });
      });
      const body: unknown = await response.json().catch(() => null);
      const failure = apiErrorSchema.safeParse(body);
      if (failure.success) {
        const { code, message, remedy } = failure.data.error;
        throw new DepinferError({ code: code ?? "indexer.failed", message, remedy: remedy ?? "Try again later" });
      }
      const answer = endpoint.answer.safeParse(body);
      if (!answer.success) {
        throw new DepinferError({
          code: "indexer.otherVersion",
          message: `What ${base}${path} answers (${response.status}) is not what this version reads`,
          remedy: "Use an indexer of this version, or the command line of its",
          metadata: { url: base },
        });
      }
      return answer.data;
    },
  };
}
