import { gatewayApi } from "@depinfer/protocol/api";
import { request, type Server } from "../../../api/call.ts";
import type { Range } from "./range.ts";

/** Saves a statement as the gateway writes it: CSV (RFC 4180), amounts to the unit. */
export async function downloadStatement(gateway: Server, range: Range): Promise<void> {
  const query = new URLSearchParams({ ...range, format: "csv" });
  const response = await request(gateway, `${gatewayApi.statement.path}?${query}`);
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = `depinfer-statement-${range.since ?? "start"}.csv`;
  link.click();
  // The browser has taken hold of it by the next turn.
  setTimeout(() => URL.revokeObjectURL(url));
}
