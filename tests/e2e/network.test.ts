import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { receiptFileSchema } from "../../apps/cli/src/verification.ts";
import { depinfer, discard, startTestNetwork, type TestNetwork, waitFor } from "./local-network.ts";

/*
 * One network serves all of these tests, in the order in which a newcomer would use it.
 */

let network: TestNetwork;
let openai: OpenAI;
let model: string;

beforeAll(async () => {
  network = await startTestNetwork(["--audit-rate", "1"]);
  openai = new OpenAI({ baseURL: `${network.access.url}/v1`, apiKey: network.access.apiKey, maxRetries: 0 });
  model = (await openai.models.list()).data[0]?.id ?? "";
}, 120_000);
afterAll(() => discard(network), 30_000);

const story = [{ role: "user" as const, content: "Tell me a short story about a fox." }];
const claims = z.array(z.object({ claimTx: z.string().nullable(), claimed: z.string() }));
const receiptList = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      state: z.string(),
      cost: z.string(),
      provider: z.string(),
      outputTokens: z.number().nullable(),
    }),
  ),
});

async function claimAll() {
  const { stdout, code } = await depinfer("settle", "--home", network.home, "--json");
  expect(code).toBe(0);
  return claims.parse(
    stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
  );
}

describe("the stock OpenAI client", () => {
  test("lists models with class and proof level", async () => {
    const models = await openai.models.list();
    expect(models.data).toHaveLength(1);
    expect(models.data[0]).toMatchObject({ object: "model", depinfer: { proof_levels: ["seeded"], providers: 4 } });
  });

  test("streams a chat and reads usage", async () => {
    const stream = await openai.chat.completions.create({
      model,
      messages: story,
      stream: true,
      stream_options: { include_usage: true },
      temperature: 0.7,
    });
    let text = "";
    let usage: OpenAI.CompletionUsage | null | undefined;
    const ids = new Set<string>();
    let finish: string | null = null;
    for await (const chunk of stream) {
      ids.add(chunk.id);
      text += chunk.choices[0]?.delta.content ?? "";
      finish = chunk.choices[0]?.finish_reason ?? finish;
      usage = chunk.usage ?? usage;
    }
    expect(text.length).toBeGreaterThan(100);
    expect(finish).toBe("stop");
    expect(ids.size).toBe(1);
    expect(usage?.completion_tokens).toBeGreaterThan(30);
    expect(usage?.total_tokens).toBe((usage?.prompt_tokens ?? 0) + (usage?.completion_tokens ?? 0));
  });

  test("gets no usage chunk that it did not ask for", async () => {
    const stream = await openai.chat.completions.create({ model, messages: story, stream: true, max_tokens: 5 });
    for await (const chunk of stream) {
      expect(chunk.usage ?? null).toBeNull();
      expect(chunk.choices).toHaveLength(1);
    }
  });

  test("gets a whole answer with its receipt in a header", async () => {
    const { data, response } = await openai.chat.completions
      .create({ model, messages: story, temperature: 0, max_completion_tokens: 7 })
      .withResponse();
    expect(data.choices[0]?.finish_reason).toBe("length");
    expect(data.usage?.completion_tokens).toBe(7);
    expect(response.headers.get("x-depinfer-receipt")).toMatch(/^0x[0-9a-f]{64}$/);
    expect(response.headers.get("x-depinfer-proof-level")).toBe("seeded");
  });

  test("completes bare text", async () => {
    const completion = await openai.completions.create({
      model,
      prompt: "Once upon a time",
      max_tokens: 10,
      temperature: 0,
    });
    expect(completion.choices[0]?.text.length).toBeGreaterThan(5);
    expect(completion.usage?.completion_tokens).toBe(10);
  });

  test("a seed makes an answer repeatable, by whichever provider it comes", async () => {
    const texts = new Set<string | null | undefined>();
    for (let i = 0; i < 6; i++) {
      const { choices } = await openai.chat.completions.create({
        model,
        messages: story,
        temperature: 1,
        seed: 11,
        max_tokens: 40,
      });
      texts.add(choices[0]?.message.content);
    }
    expect(texts.size).toBe(1);
  });

  test("stops before a stop sequence", async () => {
    const whole = await openai.chat.completions.create({ model, messages: story, temperature: 0, max_tokens: 40 });
    const text = whole.choices[0]?.message.content ?? "";
    const stop = text.split(" ")[4] ?? "";
    const cut = await openai.chat.completions.create({ model, messages: story, temperature: 0, max_tokens: 40, stop });
    expect(cut.choices[0]?.message.content).toBe(text.slice(0, text.indexOf(stop)));
    expect(cut.choices[0]?.finish_reason).toBe("stop");
  });
});

test("the curl line of the banner works as printed", () => {
  const line = /curl -i .*\n.*'/.exec(network.output())?.[0];
  if (line === undefined) {
    throw new Error(`no curl line in:\n${network.output()}`);
  }
  const answer = execFileSync("sh", ["-c", line.replace("curl -i", "curl -s -i")], { encoding: "utf8" });
  expect(answer).toContain("HTTP/1.1 200");
  expect(answer).toMatch(/x-depinfer-receipt: 0x[0-9a-f]{64}/);
});

test("every answer's receipt verifies, and the sum of receipts is what became claimable, to the unit", async () => {
  const { data } = await network.client.get("/v1/receipts", receiptList);
  expect(data.every(({ state }) => state === "done")).toBe(true);
  const settled = await claimAll();
  const earned = settled.reduce((sum, { claimed }) => sum + BigInt(claimed), 0n);
  expect(earned).toBe(data.reduce((sum, { cost }) => sum + BigInt(cost), 0n));
  let onChain = 0n;
  for (const provider of new Set(data.map((entry) => entry.provider))) {
    const account = z.templateLiteral(["0x", z.string()]).parse(provider);
    onChain += await network.chain.channels.earned(account);
  }
  expect(onChain).toBe(earned);
  const newest = data[0]?.id ?? "";
  const { code, stdout } = await depinfer("verify", newest, "--home", network.home, "--json");
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ verdict: "pass", statistic: { mismatches: 0 } });
});

test("requests over time reach all four providers", async () => {
  for (let i = 0; i < 40; i++) {
    const { data } = await network.client.get("/v1/receipts", receiptList);
    if (new Set(data.map(({ provider }) => provider)).size === 4) {
      return;
    }
    await network.client.chat({ model, messages: story, max_tokens: 2 }, () => undefined);
  }
  expect.unreachable("40 requests did not reach four providers");
}, 60_000);

test("a client that goes away stops the work and pays for what it was sent", async () => {
  const abort = new AbortController();
  let received = 0;
  const gone = network.client.chat(
    // So hot that it rambles on for more than a second, long after the client is gone.
    { model, messages: story, temperature: 2, max_tokens: 900 },
    (text) => {
      received += text === "" ? 0 : 1;
      if (received === 5) {
        abort.abort();
      }
    },
    { signal: abort.signal },
  );
  await expect(gone).rejects.toThrow();
  let newest = { id: "", state: "", cost: "", outputTokens: null as number | null };
  await waitFor(
    async () => {
      const { data } = await network.client.get("/v1/receipts", receiptList);
      newest = data[0] ?? newest;
      return newest.state === "done";
    },
    10_000,
    () => `the cancelled request is ${newest.state}`,
  );
  const file = await network.client.get(`/v1/receipts/${newest.id}`, receiptFileSchema);
  expect(file.receipt?.receipt.stopReason).toBe("cancelled");
  expect(newest.outputTokens).toBeLessThan(900);
  expect(file.transcript?.outputTokens).toHaveLength(newest.outputTokens ?? -1);
  const { code } = await depinfer("verify", newest.id, "--home", network.home);
  expect(code).toBe(0);
});

test("validators audit by the beacon and attest, and the indexer shows it", async () => {
  await claimAll();
  const status = z.object({ receipts: z.coerce.number(), audits: z.coerce.number(), channels: z.coerce.number() });
  const ask = async (path: string) => (await fetch(`${network.access.indexerUrl}${path}`)).json();
  await waitFor(
    async () => {
      const { receipts, audits, channels } = status.parse(await ask("/status"));
      return receipts > 10 && audits > 10 && channels === 4;
    },
    60_000,
    () => "the indexer shows no audits",
  );
  const audits = z.object({ data: z.array(z.object({ verdict: z.string() })) }).parse(await ask("/audits"));
  expect(new Set(audits.data.map(({ verdict }) => verdict))).toEqual(new Set(["pass"]));
  const providers = z
    .object({ data: z.array(z.object({ audits: z.object({ fail: z.number() }) })) })
    .parse(await ask("/providers"));
  expect(providers.data).toHaveLength(4);
  expect(providers.data.every(({ audits }) => audits.fail === 0)).toBe(true);
}, 90_000);

test("no prompt, answer or key is in any log", async () => {
  const logs = ["gateway", "provider-1", "provider-2", "provider-3", "provider-4"]
    .map((name) => readFileSync(join(network.home, "logs", `${name}.log`), "utf8"))
    .join("\n");
  expect(logs).not.toContain("short story");
  expect(logs).not.toContain(network.access.apiKey);
});
