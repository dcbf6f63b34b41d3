import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Chain, createChain, type DisputeTerms } from "@depinfer/chain";
import type { AdversaryKind } from "@depinfer/node";
import { DepinferError, type Hex } from "@depinfer/protocol";
import { z } from "zod";
import { homePaths } from "../home.ts";
import { openIdentity, readPassphrase, walletAddress } from "../identity.ts";
import { readNetworkFile } from "../network-file.ts";
import { type LocalNetwork, startNetwork } from "../up/network.ts";
import type { Steps } from "../up/steps.ts";
import { type ReceiptFile, receiptFileSchema, verify } from "../verification.ts";

/** A fresh network for one story, with test money, in a folder of its own that goes with it. */
export interface Rehearsal {
  readonly network: LocalNetwork;
  /** The account of a service, which has keys from then on. */
  account(name: string): Promise<Hex>;
  /** The chain as one of the services, or as somebody new with test money. */
  as(name: string): Promise<Chain>;
  /** Asks the only provider until the answer is worth judging, as the story wants it. */
  buyAnswer(wanted: "pass" | "fail"): Promise<ReceiptFile>;
}

export interface RehearsalOptions {
  /** How the only provider cheats; absent for an honest one. */
  readonly adversary?: AdversaryKind;
  readonly validators: number;
  readonly lazyValidators?: number;
  readonly disputeTerms?: Partial<DisputeTerms>;
}

/** A cheaper model is not seen in every answer. */
const MOST_ANSWERS = 8;
/** Below the contract's least number of tokens a verdict of `fail` convicts nobody; some room. */
const ENOUGH_TOKENS = 10;
const models = z.object({ data: z.array(z.object({ id: z.string() })).min(1) });

/** Starts a network, runs `story` on it, and takes everything down again, whatever happens, Ctrl-C included. */
export async function withRehearsal<Result>(
  options: RehearsalOptions,
  steps: Steps,
  story: (rehearsal: Rehearsal) => Promise<Result>,
): Promise<Result> {
  const home = await mkdtemp(join(tmpdir(), "depinfer-rehearsal-"));
  const paths = homePaths(home);
  const { adversary, ...rest } = options;
  const interrupted = untilSignal();
  try {
    const network = await startNetwork(
      {
        home,
        port: 0,
        providers: 1,
        epochSeconds: 0,
        adversaries: adversary === undefined ? [] : [adversary],
        ...rest,
      },
      steps,
    );
    try {
      await network.complete;
      const passphrase = readPassphrase(paths.passphrase);
      const told = story({
        network,
        account: (name) => walletAddress(paths.service(name), passphrase),
        async as(name) {
          await network.fund([name]);
          const { wallet } = await openIdentity(paths.service(name), passphrase);
          return createChain({ ...readNetworkFile(paths.network), account: wallet });
        },
        buyAnswer: (wanted) => buyAnswer(network, paths.network, wanted),
      });
      return await Promise.race([told, interrupted]);
    } finally {
      await steps.run("Stopping", () => network.stop());
    }
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** Rejects at the first Ctrl-C or SIGTERM; whoever awaits it then takes down what is there. */
function untilSignal(): Promise<never> {
  const interrupted = new Promise<never>((_resolve, reject) => {
    const stop = () =>
      reject(
        new DepinferError({
          code: "rehearsal.interrupted",
          message: "The rehearsal was interrupted",
          remedy: "Run it again; nothing of it is left",
        }),
      );
    process.once("SIGINT", stop);
    process.once("SIGTERM", stop);
  });
  // It may be rejected before anybody waits for it.
  interrupted.catch(() => undefined);
  return interrupted;
}

async function buyAnswer(network: LocalNetwork, networkFile: string, wanted: string): Promise<ReceiptFile> {
  const { data } = await network.gateway.get("/v1/models", models);
  for (let tries = 0; tries < MOST_ANSWERS; tries++) {
    const messages = [{ role: "user", content: `Tell me short story number ${tries + 1} about a fox.` }];
    const answer = await network.gateway.chat(
      { model: data[0]?.id, messages, temperature: 0.9, max_tokens: 96 },
      () => undefined,
    );
    const file = await network.gateway.get(`/v1/receipts/${answer.receiptId}`, receiptFileSchema);
    const { verdict } = await verify(file, { networkFile });
    if (verdict.verdict === wanted && verdict.statistic.informative >= ENOUGH_TOKENS) {
      return file;
    }
  }
  throw new DepinferError({
    code: "rehearsal.noAnswer",
    message: `None of ${MOST_ANSWERS} answers was a clear ${wanted}`,
    remedy: "Run it again; on a processor whose class is not calibrated no answer is",
    metadata: { wanted },
  });
}
