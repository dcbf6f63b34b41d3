import { recoverAddress } from "@depinfer/chain";
import { createLlamaEngine, type ScoringEngine, verifyReceipt } from "@depinfer/inference";
import type { Verdict } from "@depinfer/proof";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { embeddedModels } from "../../apps/cli/src/home.ts";
import { receiptFileSchema } from "../../apps/cli/src/verification.ts";
import { depinfer, discard, startTestNetwork, type TestNetwork } from "./local-network.ts";

/* Six providers: one honest, five that each cheat in another way. */

const KINDS = ["model", "quantisation", "temperature", "replay", "inflate"] as const;
const offerList = z.object({ data: z.array(z.object({ provider: z.string(), adversary: z.string().optional() })) });

let network: TestNetwork;
let engine: ScoringEngine;
let model: string;
const providers = new Map<string, string>();

beforeAll(async () => {
  engine = await createLlamaEngine({ modelPath: embeddedModels.tiny });
  model = engine.description.model;
  network = await startTestNetwork([
    "--providers",
    "6",
    "--validators",
    "1",
    "--audit-rate",
    "1",
    "--adversary",
    ...KINDS,
  ]);
  await network.client.waitForOffers(6);
  const { data } = await network.client.get("/v1/offers", offerList);
  for (const { provider, adversary } of data) {
    providers.set(adversary ?? "honest", provider);
  }
}, 180_000);
afterAll(async () => {
  await discard(network);
  await engine.dispose();
}, 30_000);

async function verdictOn(receiptId: string): Promise<Verdict> {
  const { receipt: signed, transcript } = await network.client.get(`/v1/receipts/${receiptId}`, receiptFileSchema);
  if (signed === null || transcript === null) {
    throw new Error(`${receiptId} has no receipt`);
  }
  const operator = await network.chain.registry.byOperator(signed.receipt.provider);
  const binding = { chainId: network.chain.deployment.chainId, verifyingContract: network.chain.receipts.address };
  return verifyReceipt(
    { engine, recoverAddress },
    { signed, transcript, binding, receiptKey: operator?.receiptKey ?? "0x" },
  );
}

function ask(kind: string, content: string, maxTokens: number, temperature = 0.9) {
  const provider = providers.get(kind);
  if (provider === undefined) {
    throw new Error(`no provider is ${kind}; there are ${[...providers.keys()].join(", ")}`);
  }
  return network.client.chat(
    { model, messages: [{ role: "user", content }], temperature, max_tokens: maxTokens },
    () => undefined,
    { provider },
  );
}

/**
 * Lower precision chooses the same tokens as full precision in about one story in eight at this temperature, so one
 * answer is not always enough. Six in a row pass once in 250,000 times.
 */
const MOST_ANSWERS = 6;

describe("`depinfer verify` exits 1 and says why", () => {
  test.each(KINDS)(
    "for the adversary %s",
    async (kind) => {
      expect(network.output()).toContain("cheat on purpose");
      for (let i = 0; i < MOST_ANSWERS; i++) {
        const { receiptId } = await ask(kind, "Tell me a short story about a brave dragon.", 400, 1.2);
        const { code, stdout } = await depinfer("verify", receiptId, "--home", network.home);
        if (code === 1) {
          expect(stdout).toContain("FAIL");
          expect(stdout).toMatch(
            /differ from what the seed demands|in the receipt and should be|goes on after|not what the delivered token ids say/,
          );
          return;
        }
      }
      expect.unreachable(`${kind} passed ${MOST_ANSWERS} times`);
    },
    60_000,
  );
});

test("validators attest failures for every adversary and none for the honest provider", async () => {
  await ask("honest", "Tell me a short story about a fox.", 100);
  expect((await depinfer("settle", "--home", network.home)).code).toBe(0);
  const url = `${network.access.indexerUrl}/audits?limit=1000`;
  const schema = z.object({ data: z.array(z.object({ provider: z.string(), verdict: z.string() })) });
  let failed = new Set<string>();
  for (let tries = 0; tries < 120 && failed.size < KINDS.length; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    const { data } = schema.parse(await (await fetch(url)).json());
    failed = new Set(data.filter(({ verdict }) => verdict === "fail").map(({ provider }) => provider));
  }
  expect(failed).toEqual(new Set(KINDS.map((kind) => providers.get(kind))));
}, 90_000);

test("`depinfer evidence` adds the audits up from the chain: it convicts a cheat and not the honest provider", async () => {
  const evidence = (provider: string) => depinfer("evidence", provider, "--home", network.home, "--json");
  const cheat = await evidence(providers.get("model") ?? "");
  expect(cheat.code).toBe(1);
  const { classes } = z
    .object({ classes: z.array(z.object({ outcome: z.object({ outcome: z.string() }) })) })
    .parse(JSON.parse(cheat.stdout));
  expect(classes.map(({ outcome }) => outcome.outcome)).toEqual(["fail"]);
  expect((await evidence(providers.get("honest") ?? "")).code).not.toBe(1);
  expect(await evidence("0x1234")).toMatchObject({ code: 1, stderr: expect.stringContaining("no provider's account") });
  const nobody = await evidence(`0x${"12".repeat(20)}`);
  expect(nobody.stderr).toContain("never registered as a provider");
}, 60_000);

test("the honest provider is never accused, over 500 receipts", async () => {
  const topics = [
    "Hello!",
    "What is a receipt?",
    "Tell me a short story about a fox.",
    "How do I become a provider?",
    "Tell me a joke.",
    "Who are you?",
  ];
  const verdicts = new Map<string, number>();
  const faults: string[] = [];
  let tokens = 0;
  for (let i = 0; i < 500; i++) {
    const { receiptId } = await ask("honest", topics[i % topics.length] ?? "", 24, [0, 0.5, 0.7, 1, 1.5][i % 5]);
    const verdict = await verdictOn(receiptId);
    verdicts.set(verdict.verdict, (verdicts.get(verdict.verdict) ?? 0) + 1);
    tokens += verdict.statistic.tokens;
    if (verdict.verdict !== "pass") {
      faults.push(verdict.reason);
    }
  }
  expect(faults).toEqual([]);
  expect(verdicts.get("pass")).toBe(500);
  expect(tokens).toBeGreaterThan(3_000);
}, 300_000);
