/*
 * A provider in a process of its own, for tests that kill it.
 * Arguments: seed name, then multiaddrs to keep. Answers every REQ with its payload; one that says "hold" stays open.
 */
import { FrameType } from "@depinfer/protocol";
import { createHost } from "../index.ts";
import { seedOf } from "./hosts.ts";

const [name = "child", ...bootstrap] = process.argv.slice(2);
const host = createHost({}, { seed: seedOf(name), role: "provider", discovery: false, bootstrap });
host.serve((exchange) => {
  exchange.send(FrameType.DATA, exchange.opening);
  if (Buffer.from(exchange.opening).toString() !== "hold") {
    exchange.end();
  }
});
await host.start();
process.on("disconnect", () => process.exit(0));
process.send?.({ peerId: host.peerId, addresses: host.addresses });
