import { appendFileSync, writeFileSync } from "node:fs";
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
import type { EngineCost } from "./fixed-cost-engine.ts";

/** A gateway and providers in processes of their own, on a chain of their own. */
export interface Market {
  readonly port: number;
  readonly apiKey: string;
  readonly gateway: Worker;
  readonly providers: readonly Worker[];
  stop(): Promise<void>;
}

const addresses = z.object({ addresses: z.array(z.string()) });
const OFFER_TIMEOUT_MS = 20_000;

export interface MarketOptions {
  /** One by default. */
  readonly providers?: number;
  readonly engine?: EngineCost;
}

/** Starts chain, contracts, keys, providers and gateway as `depinfer up` does, and waits for the offers. */
export async function startMarket(
  progress: (text: string) => void,
  { providers: count = 1, engine = {} }: MarketOptions = {},
): Promise<Market> {
  const folder = temporaryFolder();
  const paths = homePaths(folder.path);
  const stops: (() => Promise<void> | void)[] = [folder.remove];
  const stop = async () => {
    for (const end of stops.splice(0).reverse()) {
      await end();
    }
  };
  try {
    progress(`starting a chain, a gateway and ${count === 1 ? "a provider" : `${count} providers`}`);
    const chain = await startLocalChain(paths, { port: await freePort("127.0.0.1", 0), onEvent: () => undefined });
    stops.push(chain.stop);
    const forget = undoWhenStopped(chain.stop);
    stops.push(async () => forget());
    const passphrase = readPassphrase(paths.passphrase, { create: true });
    const homes = Array.from({ length: count }, (_, index) => paths.service(`provider-${index + 1}`));
    const gatewayHome = paths.service("gateway");
    await chain.fund([...homes, gatewayHome], passphrase);
    writeFileSync(paths.bootstrap, "");
    const start = async (script: string, home: string, ...more: string[]) => {
      const args = [home, paths.network, paths.passphrase, ...more];
      const worker = await startWorker(new URL(script, import.meta.url), args);
      stops.push(worker.stop);
      return worker;
    };
    const providers: Worker[] = [];
    for (const home of homes) {
      const provider = await start("./provider-process.ts", home, JSON.stringify(engine));
      const known = await provider.call("info", null, addresses);
      appendFileSync(paths.bootstrap, `${known.addresses.join("\n")}\n`);
      providers.push(provider);
    }
    const gateway = await start("./gateway-process.ts", gatewayHome);
    const { url } = await gateway.call("info", null, z.object({ url: z.string() }));
    const apiKey = await gateway.call("apiKey", null, z.string());
    await waitForOffers(gateway, count);
    return { port: Number(new URL(url).port), apiKey, gateway, providers, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function waitForOffers(gateway: Worker, count: number): Promise<void> {
  const state = z.object({ offers: z.number() });
  for (const deadline = performance.now() + OFFER_TIMEOUT_MS; performance.now() < deadline; await sleep(50)) {
    if ((await gateway.call("state", null, state)).offers >= count) {
      return;
    }
  }
  throw new BenchError({
    code: "bench.noOffer",
    message: `The gateway did not see ${count} offers within ${OFFER_TIMEOUT_MS} ms`,
    remedy: "Run the network benchmark to see whether the two processes can talk to each other",
  });
}
