/*
 * A gateway as `depinfer gateway` composes it. Arguments: home, network file, passphrase file.
 */
import { microUsd } from "@depinfer/protocol";
import { startGateway } from "../../apps/cli/src/service/gateway.ts";
import { createLog } from "../../apps/cli/src/service/log.ts";
import { serveWorker } from "../measure/serve-worker.ts";

const [home = "", networkFile = "", passphraseFile = ""] = process.argv.slice(2);
const service = await startGateway(
  {
    home,
    networkFile,
    passphraseFile,
    p2pPort: 0,
    host: "127.0.0.1",
    port: 0,
    allowedHosts: [],
    minProofLevel: "none",
    x402: false,
    x402Fee: microUsd(0),
    allowSimulatedAttestation: false,
    drainMs: 2_000,
  },
  createLog("gateway"),
);

serveWorker(
  {
    info: () => service.info,
    apiKey: () => service.control.apiKey?.(),
    // Strings, since the channel to the bench carries JSON.
    state: () =>
      JSON.parse(
        JSON.stringify(service.control.state?.(), (_key, value) =>
          typeof value === "bigint" ? value.toString() : value,
        ),
      ),
  },
  () => service.stop(),
);
