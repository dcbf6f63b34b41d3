import type { Verdict } from "@depinfer/proof";
import { DepinferError, receiptToJson } from "@depinfer/protocol";
import { z } from "zod";
import { createClient, type GatewayClient, readAccess } from "../gateway-client.ts";
import { homePaths } from "../home.ts";
import { callControl } from "../service/control.ts";
import { lockHolder } from "../up/lock.ts";
import { type NetworkOptions, startNetwork } from "../up/network.ts";
import { createSteps, type Steps } from "../up/steps.ts";
import { EXIT_CODES, receiptFileSchema, verify } from "../verification.ts";
import { summary } from "./up.ts";

export interface OnceOptions extends NetworkOptions {
  readonly prompt: string;
  readonly json: boolean;
  readonly temperature: number;
}

const settlementSchema = z.object({
  rootTx: z.string().nullable(),
  claimTx: z.string().nullable(),
  gasUsed: z.string(),
  claimed: z.string(),
});
/** Levels that `verify` cannot check on this machine: there is nothing to score, or no token to score. */
const UNPROVABLE: readonly string[] = ["none", "greedy", "replay"];
const providerState = z.object({ provider: z.string() });
const models = z.object({ data: z.array(z.object({ id: z.string() })).min(1) });

/**
 * `depinfer up --once "prompt"`: the network, one answer that is paid, proven and settled, and everything down again.
 * When a network runs in the same home already, that one answers and stays up.
 */
export async function once(options: OnceOptions): Promise<number> {
  const steps = createSteps();
  if (lockHolder(homePaths(options.home).lock) !== undefined) {
    steps.notice("a network runs in this home already; it answers, and stays up");
    return answerOnce(options, createClient(readAccess(options.home)), steps);
  }
  const network = await startNetwork(options, steps);
  try {
    const code = await answerOnce(options, network.gateway, steps);
    await network.complete;
    return code;
  } finally {
    await steps.run("Stopping", () => network.stop());
  }
}

async function answerOnce(options: OnceOptions, gateway: GatewayClient, steps: Steps): Promise<number> {
  const { data } = await gateway.get("/v1/models", models);
  const model = data[0]?.id ?? "";
  const answer = await steps.run("Asking", async (note) => {
    const result = await gateway.chat(
      { model, messages: [{ role: "user", content: options.prompt }], temperature: options.temperature },
      () => undefined,
    );
    note(`${result.outputTokens} tokens`);
    return result;
  });
  const file = await gateway.get(`/v1/receipts/${answer.receiptId}`, receiptFileSchema);
  const verdict = await steps.run("Proving the answer by scoring it again", async (note) => {
    if (file.receipt !== null && UNPROVABLE.includes(file.receipt.receipt.proofLevel)) {
      note(`not possible, the provider's proof level is "${file.receipt.receipt.proofLevel}"`);
      return null;
    }
    const verification = await verify(file, {
      networkFile: homePaths(options.home).network,
      model: options.model,
    });
    note(`${verification.verdict.verdict} in ${verification.milliseconds.toFixed(0)} ms`);
    return verification.verdict;
  });
  const settlement = await steps.run("Settling on chain", async (note) => {
    const settled = settlementSchema.parse(await callControl(await folderOf(options, answer.provider), "settle"));
    note(settled.claimTx ?? "nothing to claim");
    return settled;
  });
  if (options.json) {
    console.log(
      JSON.stringify({
        answer: answer.text,
        model,
        runtimeClass: file.receipt?.receipt.classId ?? null,
        provider: answer.provider,
        tokens: { prompt: answer.promptTokens, output: answer.outputTokens },
        cost: file.cost,
        receipt: file.receipt === null ? null : { id: answer.receiptId, ...receiptToJson(file.receipt) },
        proof: proofView(verdict),
        settlement: {
          tx: settlement.claimTx,
          rootTx: settlement.rootTx,
          gas: settlement.gasUsed,
          claimed: settlement.claimed,
        },
      }),
    );
  } else {
    console.log(answer.text);
    const proof =
      verdict === null ? "none, this provider's answers cannot be checked" : `${verdict.verdict}, ${verdict.reason}`;
    console.error(`\n${summary(BigInt(file.cost), answer.outputTokens, answer.provider)}\nproof: ${proof}`);
  }
  return verdict === null ? 0 : EXIT_CODES[verdict.verdict];
}

function proofView(verdict: Verdict | null) {
  return verdict === null
    ? { verdict: "unprovable", margin: null, tokens: 0 }
    : { verdict: verdict.verdict, margin: verdict.statistic.meanMargin, tokens: verdict.statistic.tokens };
}

/** Where the provider with this account keeps its state. */
async function folderOf({ home, providers }: OnceOptions, account: string): Promise<string> {
  const paths = homePaths(home);
  for (let index = 1; index <= providers; index++) {
    const folder = paths.service(`provider-${index}`);
    const { provider } = providerState.parse(await callControl(folder, "state"));
    if (provider === account) {
      return folder;
    }
  }
  throw new DepinferError({
    code: "provider.notHere",
    message: `No provider of this home has the account ${account}`,
    remedy: "Ask the network that runs in this home",
  });
}
