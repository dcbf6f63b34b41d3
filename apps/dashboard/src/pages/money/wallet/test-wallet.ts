import { consoleApi } from "@depinfer/protocol/api";
import { z } from "zod";
import { call, type Server } from "../../../api/call.ts";
import type { Eip1193Provider, WalletChoice } from "./provider.ts";

const paramsSchema = z.array(z.json());

/** The wallet of a local test network, which the console keeps and which signs without asking again. */
export function createTestWallet(server: Server): WalletChoice {
  const provider: Eip1193Provider = {
    async request({ method, params = [] }) {
      const { result, error } = await call(server, consoleApi.wallet, {
        body: { jsonrpc: "2.0", id: 1, method, params: paramsSchema.parse(params) },
      });
      if (error !== undefined) {
        throw error;
      }
      return result ?? null;
    },
  };
  return { id: "test", name: "TEST wallet", test: true, provider };
}
