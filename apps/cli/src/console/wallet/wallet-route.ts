import type { RouteTable } from "@depinfer/gateway/http";
import { DepinferError, errorMessage, type Log } from "@depinfer/protocol";
import { walletRequestSchema } from "@depinfer/protocol/api";
import { sendJson } from "../answer.ts";
import { readJson, requireThisMachine } from "../guard.ts";
import { rpcErrorOf, WalletRpcError } from "./rpc-error.ts";
import type { TestWallet } from "./test-wallet.ts";

const MOST_BYTES = 131_072;

/** `POST /api/wallet`: JSON-RPC for browsers on this machine. @param wallet null where there is none. */
export function walletRoute(wallet: TestWallet | null, log: Log): RouteTable {
  return {
    "/api/wallet": {
      async POST(request, response) {
        requireThisMachine(request);
        if (wallet === null) {
          throw new DepinferError({
            code: "console.noWallet",
            message: "This console has no test wallet",
            remedy: "Connect a wallet of your own, or start a local network with `npm start`",
          });
        }
        const { id = null, method, params } = await readJson(request, walletRequestSchema, MOST_BYTES);
        try {
          sendJson(response, 200, { jsonrpc: "2.0", id, result: await wallet.request(method, params) });
        } catch (error) {
          if (!(error instanceof DepinferError) && !(error instanceof WalletRpcError)) {
            log("error", `the test wallet failed at ${method}: ${errorMessage(error)}`);
          }
          sendJson(response, 200, { jsonrpc: "2.0", id, error: rpcErrorOf(error) });
        }
      },
    },
  };
}
