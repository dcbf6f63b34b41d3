import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { homePaths } from "../../apps/cli/src/home.ts";
import { readPassphrase } from "../../apps/cli/src/identity.ts";
import { freePort } from "../../apps/cli/src/up/free-port.ts";
import { startLocalChain } from "../../apps/cli/src/up/local-chain.ts";
import { BenchError } from "../bench-error.ts";
import { undoWhenStopped } from "../measure/interruption.ts";
import { temporaryFolder } from "../measure/temporary-folder.ts";
import { startWorker, type Worker } from "../measure/worker.ts";

/** A gateway and a provider in processes of their own, on a chain of their own. */
export interface Market {
  readonly port: number;
  readonly apiKey: string;
  readonly gateway: Worker;
  readonly provider: Worker;
  stop(): Promise<void>;
}

const addresses = z.object({ addresses: z.array(z.string()) });
const OFFER_TIMEOUT_MS = 20_000;

/** Starts chain, contracts, keys, provider and gateway as `depinfer up` does, and waits for the offer. */
export async function startMarket(progress: (text: string) => void): Promise<Market> {
  const folder = temporaryFolder();
  const paths = homePaths(folder.path);
  const stops: (() => Promise<void> | void)[] = [folder.remove];
  const stop = async () => {
    for (const end of stops.splice(0).reverse()) {
      await end();
    }
  };
  try {
    progress("starting a chain, a provider and a gateway");
    const chain = await startLocalChain(paths, { port: await freePort("127.0.0.1", 0), onEvent: () => undefined });
    stops.push(chain.stop);
    const forget = undoWhenStopped(chain.stop);
    stops.push(async () => forget());
    const passphrase = readPassphrase(paths.passphrase, { create: true });
    const names = { provider: paths.service("provider-1"), gateway: paths.service("gateway") };
    await chain.fund([names.provider, names.gateway], passphrase);
    writeFileSync(paths.bootstrap, "");
    const start = async (script: string, home: string) => {
      const worker = await startWorker(new URL(script, import.meta.url), [home, paths.network, paths.passphrase]);
      stops.push(worker.stop);
      return worker;
    };
    const provider = await start("./provider-process.ts", names.provider);
    const known = await provider.call("info", null, addresses);
    writeFileSync(paths.bootstrap, `${known.addresses.join("\n")}\n`);
    const gateway = await start("./gateway-process.ts", names.gateway);
    const { url } = await gateway.call("info", null, z.object({ url: z.string() }));
    const apiKey = await gateway.call("apiKey", null, z.string());
    await waitForOffer(gateway);
    return { port: Number(new URL(url).port), apiKey, gateway, provider, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function waitForOffer(gateway: Worker): Promise<void> {
  const state = z.object({ offers: z.number() });
  for (const deadline = performance.now() + OFFER_TIMEOUT_MS; performance.now() < deadline; await sleep(50)) {
    if ((await gateway.call("state", null, state)).offers > 0) {
      return;
    }
  }
  throw new BenchError({
    code: "bench.noOffer",
    message: `The gateway saw no offer within ${OFFER_TIMEOUT_MS} ms`,
    remedy: "Run the network benchmark to see whether the two processes can talk to each other",
  });
}
