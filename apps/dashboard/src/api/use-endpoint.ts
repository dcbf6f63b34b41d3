import { DepinferError } from "@depinfer/protocol";
import type { Endpoint } from "@depinfer/protocol/api";
import { keepPreviousData, QueryClient, type UseQueryResult, useQuery } from "@tanstack/react-query";
import type { z } from "zod";
import { call } from "./call.ts";
import { useConnection } from "./connection.tsx";
import type { ApiName } from "./errors.ts";

/** Answers are shown again without asking for so long. */
const FRESH_MS = 4_000;
const RETRIES = 2;

export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: FRESH_MS,
        // The servers may be on this very machine, whatever the browser thinks of its network.
        networkMode: "always",
        retry: (failures, error) => failures < RETRIES && error instanceof DepinferError && error.retryable,
        retryDelay: (attempt) => 400 * 2 ** attempt,
        // What is down is looked at again by itself.
        refetchInterval: ({ state }) => (state.status === "error" && isRetryable(state.error) ? 3_000 : false),
      },
    },
  });
}

function isRetryable(error: unknown): boolean {
  return error instanceof DepinferError && error.retryable;
}

export interface UseEndpointOptions<Query> {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Query;
  /** Asks again so often, in ms; what arrives as events is asked for anyway. */
  readonly every?: number;
  readonly enabled?: boolean;
}

/**
 * Asks an endpoint, and again when something happened that concerns it (`live.ts`). While other parameters are asked
 * for, the answer to the last ones stays.
 */
export function useEndpoint<Query extends z.ZodType, Answer extends z.ZodType, Body extends z.ZodType>(
  api: ApiName,
  endpoint: Endpoint<Query, Answer, Body>,
  options: UseEndpointOptions<z.input<Query>> = {},
): UseQueryResult<z.output<Answer>, Error> {
  const connection = useConnection();
  const { params, query, every, enabled } = options;
  // What another server says, or another key is told, is another answer.
  const { url, apiKey } = connection.has(api) ? connection.server(api) : { url: "", apiKey: null };
  return useQuery<z.output<Answer>, Error>({
    queryKey: [api, endpoint.path, params ?? {}, query ?? {}, url, apiKey ?? ""],
    queryFn: ({ signal }) =>
      call(connection.server(api), endpoint, {
        signal,
        ...(params === undefined ? {} : { params }),
        ...(query === undefined ? {} : { query }),
      }),
    placeholderData: keepPreviousData,
    ...(every === undefined ? {} : { refetchInterval: every }),
    ...(enabled === undefined ? {} : { enabled }),
  });
}
