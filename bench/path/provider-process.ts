/*
 * A provider as `depinfer node` composes it, except for its engine.
 * Arguments: home, network file, passphrase file, what the engine costs as JSON.
 */
import { join as joinPath } from "node:path";
import { recoverAddress } from "@depinfer/chain";
import { openJournal } from "@depinfer/journal";
import { createNode, createNonceBook, PROVIDER_MIGRATIONS } from "@depinfer/node";
import { microUsd } from "@depinfer/protocol";
import { connect } from "../../apps/cli/src/service/connect.ts";
import { join } from "../../apps/cli/src/service/join.ts";
import { createLog } from "../../apps/cli/src/service/log.ts";
import { serveWorker } from "../measure/serve-worker.ts";
import { createFixedCostEngine, engineCostSchema } from "./fixed-cost-engine.ts";

const [home = "", networkFile = "", passphraseFile = "", engineCost = "{}"] = process.argv.slice(2);
const log = createLog("node");
const engine = createFixedCostEngine(engineCostSchema.parse(JSON.parse(engineCost)));
const { identity, chain, createHost } = await connect({ home, networkFile, passphraseFile, p2pPort: 0 }, log);
const nonces = createNonceBook();
const host = await createHost({ role: "provider", nonceHeadFor: nonces.headFor });
const provider = identity.wallet.address;
const { slots, classId } = engine.description;
await join(
  chain,
  provider,
  { role: "provider", receiptKey: identity.signer.address, peerId: host.peerId, slots, classIds: [classId] },
  log,
);
const journal = openJournal({ path: joinPath(home, "journal.sqlite"), parts: { provider: PROVIDER_MIGRATIONS } });
const node = createNode(
  { host, chain, engine, journal, nonces, receiptSigner: identity.signer, recoverAddress, log },
  {
    provider,
    prices: {
      inputPerMillion: microUsd(50_000),
      cachedInputPerMillion: microUsd(12_500),
      outputPerMillion: microUsd(200_000),
    },
    region: "local",
    epochMs: 60_000,
    creditWindow: microUsd(10_000),
    depositMargin: microUsd(1_000),
  },
);
await node.start();

serveWorker(
  {
    info: () => ({ addresses: host.addresses }),
    state: () => {
      const { receipts, owed, vouchered } = node.state();
      return { receipts, owed: owed.toString(), vouchered: vouchered.toString() };
    },
  },
  async () => {
    await node.stop();
    await host.stop();
    journal.close();
  },
);
