import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createChain, createSigner } from "@depinfer/chain";
import { createLlamaEngine, type ScoringEngine } from "@depinfer/inference";
import { tensorsToJson, toHex } from "@depinfer/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { type Access, createClient } from "../../apps/cli/src/gateway-client.ts";
import { embeddedModels } from "../../apps/cli/src/home.ts";
import { readPassphrase, walletAddress } from "../../apps/cli/src/identity.ts";
import { readNetworkFile } from "../../apps/cli/src/network-file.ts";
import { INPUT_SIZE, numbers, tinyOnnxModel } from "../../packages/inference/src/testing/onnx-model.ts";
import { serveOpenAi, type TestServer } from "../../packages/inference/src/testing/openai-server.ts";
import { depinfer, discard, startTestNetwork, type TestNetwork, waitFor } from "./local-network.ts";

/* One network with a provider of each level, as their operators start them, and what a user sees of the levels. */

const program = join(import.meta.dirname, "../../apps/cli/src/main.ts");
const services: ChildProcess[] = [];
let network: TestNetwork;
let own: ScoringEngine;
let upstream: TestServer;
let onnx: string;
/** A gateway that lets simulations pass. */
let lenient: Access;

const ready = z.object({ kind: z.literal("ready"), info: z.looseObject({}) });

/** Starts a service with a funded wallet of its own on the test's network; resolves with what it tells of itself. */
async function start(name: string, command: string, ...args: readonly string[]): Promise<Record<string, unknown>> {
  const home = join(network.home, name);
  const [networkFile, passphraseFile] = [join(network.home, "network.json"), join(network.home, "passphrase")];
  const { rpcUrl, deployment } = readNetworkFile(networkFile);
  const wallet = await walletAddress(home, readPassphrase(passphraseFile));
  const funder = createSigner(toHex(randomBytes(32)));
  for (const account of [wallet, funder.address]) {
    await fetch(rpcUrl, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        jsonrpc: "2.0",
        id: 1,
        method: "anvil_setBalance",
        params: [account, "0xde0b6b3a7640000"],
      }),
    });
  }
  await createChain({ rpcUrl, deployment, account: funder }).usd.mint(wallet, 10_000_000_000n);
  const common = ["--home", home, "--network", networkFile, "--passphrase-file", passphraseFile];
  // As the supervisor starts services: what they say when they are ready comes over the channel.
  const child = fork(program, [command, ...common, ...args], {
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    execArgv: ["--conditions=source", "--disable-warning=ExperimentalWarning"],
  });
  services.push(child);
  let printed = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    printed += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.on("message", (message) => {
      const told = ready.safeParse(message);
      if (told.success) {
        resolve(told.data.info);
      }
    });
    child.on("exit", () => reject(new Error(`${name} did not start:\n${printed}`)));
  });
}

beforeAll(async () => {
  network = await startTestNetwork(["--providers", "1", "--validators", "0"]);
  own = await createLlamaEngine({ modelPath: embeddedModels.tiny });
  upstream = await serveOpenAi({ engine: own, kind: "vllm" });
  onnx = join(network.home, "tiny.onnx");
  writeFileSync(onnx, tinyOnnxModel());
  const { weights } = own.description.runtimeClass;
  await start("tensors", "node", "--onnx", onnx, "--epoch-seconds", "0");
  await start("simulated", "node", "--simulate-attestation", "--epoch-seconds", "0");
  await start("upstream", "node", "--upstream", upstream.url, "--upstream-weights", weights, "--epoch-seconds", "0");
  const { url, apiKeyFile } = z
    .looseObject({ url: z.string(), apiKeyFile: z.string() })
    .parse(
      await start("lenient", "gateway", "--port", "0", "--allow-simulated-attestation", "--min-proof-level", "greedy"),
    );
  lenient = { ...network.access, url, apiKey: readFileSync(apiKeyFile, "utf8").trim() };
  const levels = ["seeded", "replay", "attested-SIMULATED", "greedy"];
  for (const client of [network.client, createClient(lenient)]) {
    await waitFor(
      async () => {
        const found = await offered(client);
        return levels.every((level) => found.includes(level));
      },
      20_000,
      () => "not every level came to be on offer",
    );
  }
}, 120_000);
afterAll(async () => {
  for (const service of services) {
    service.removeAllListeners("exit");
    service.kill("SIGINT");
  }
  upstream?.close();
  await own?.dispose();
  await discard(network);
}, 60_000);

const models = z.object({
  data: z.array(z.object({ id: z.string(), depinfer: z.object({ proof_levels: z.array(z.string()) }) })),
});
async function offered(client: ReturnType<typeof createClient>): Promise<string[]> {
  const { data } = await client.get("/v1/models", models);
  return data.flatMap(({ depinfer: { proof_levels } }) => proof_levels);
}

async function post(
  path: string,
  body: object,
  { headers = {}, access = network.access }: { headers?: Record<string, string>; access?: Access } = {},
) {
  const response = await fetch(`${access.url}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${access.apiKey}`, "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  return {
    status: response.status,
    level: response.headers.get("x-depinfer-proof-level"),
    receipt: response.headers.get("x-depinfer-receipt") ?? "",
    body: await response.json(),
  };
}

const chat = (model: string, extra: object = {}) => ({
  model,
  messages: [{ role: "user", content: "Tell me a short story about a fox." }],
  max_tokens: 100,
  ...extra,
});
const verify = (receipt: string, access: Access, ...args: readonly string[]) =>
  depinfer("verify", receipt, "--home", network.home, "--url", access.url, "--key", access.apiKey, "--json", ...args);

describe("a network with every level", () => {
  test("answers at the level that was demanded, and names the level", async () => {
    const model = own.description.model;
    const seeded = await post("/v1/chat/completions", chat(model), { headers: { "x-depinfer-min-proof": "seeded" } });
    expect(seeded).toMatchObject({ status: 200, level: "seeded" });
    const greedy = await post("/v1/chat/completions", chat("served", { temperature: 0, proof: { min: "greedy" } }));
    expect(greedy).toMatchObject({ status: 200, level: "greedy" });
    const drawn = await post("/v1/chat/completions", chat("served", { temperature: 1, proof: { min: "greedy" } }));
    expect(drawn.status).toBe(503);
    expect(JSON.stringify(drawn.body)).toContain("holds at temperature 0 only");
    expect(await post("/v1/chat/completions", chat("served", { temperature: 1 }))).toMatchObject({ level: "none" });
  });

  test("checks a greedy answer by the declared weights, and by a second server", async () => {
    const { receipt } = await post("/v1/chat/completions", chat("served", { temperature: 0 }));
    const here = await verify(receipt, network.access);
    expect(here.code, here.stderr).not.toBe(1);
    const first = JSON.parse(here.stdout);
    expect(first.statistic).toMatchObject({ mismatches: 0 });
    expect(first.statistic.tokens).toBeGreaterThan(20);
    const second = JSON.parse((await verify(receipt, network.access, "--against", upstream.url)).stdout);
    expect(second).toMatchObject({ verdict: first.verdict, statistic: { mismatches: 0 } });
  });

  test("computes tensors, and their receipt is checked bit by bit with the model's file", async () => {
    const x = {
      type: "float32",
      shape: [1, INPUT_SIZE],
      bytes: new Uint8Array(numbers(3, INPUT_SIZE).buffer),
    } as const;
    const body = { model: "tiny.onnx", inputs: tensorsToJson({ x }), proof: { min: "replay" } };
    const answer = await post("/v1/infer", body);
    expect(answer).toMatchObject({ status: 200, level: "replay", body: { usage: { output_words: 10 } } });
    const verdict = await verify(answer.receipt, network.access, "--model", onnx);
    expect(verdict.code, verdict.stderr).toBe(0);
    expect(JSON.parse(verdict.stdout)).toMatchObject({ verdict: "pass", statistic: { tokens: 10, mismatches: 0 } });
    const other = join(network.home, "other.onnx");
    writeFileSync(other, tinyOnnxModel({ seed: 2 }));
    expect((await verify(answer.receipt, network.access, "--model", other)).stderr).toContain("other weights");
  });

  test("takes a simulation for attested only where that is allowed, and calls it SIMULATED everywhere", async () => {
    const attested = { headers: { "x-depinfer-min-proof": "attested" } };
    const { model } = own.description;
    const refused = await post("/v1/chat/completions", chat(model), attested);
    expect(refused.status).toBe(503);
    expect(JSON.stringify(refused.body)).toContain("attested-SIMULATED, which counts for nothing");
    const allowed = () => post("/v1/chat/completions", chat(model), { ...attested, access: lenient });
    await expect.poll(async () => (await allowed()).status, { timeout: 10_000 }).toBe(200);
    const { level, receipt } = await allowed();
    expect(level).toBe("attested-SIMULATED");
    const { stdout } = await depinfer("offers", "--home", network.home);
    expect(stdout).toContain("attested-SIMULATED");
    // The class is a seeded one, so the answer is computed again like any other.
    const verdict = await verify(receipt, lenient);
    expect(JSON.parse(verdict.stdout)).toMatchObject({ verdict: "pass", statistic: { mismatches: 0 } });
  });

  test("refuses a demand that is none, and a gateway's own demand holds for everybody", async () => {
    const wrong = await post("/v1/chat/completions", chat("served", { proof: { min: "sure" } }));
    expect(wrong).toMatchObject({ status: 400, body: { error: { param: "proof.min" } } });
    const drawn = await post("/v1/chat/completions", chat("served", { temperature: 1 }), { access: lenient });
    expect(drawn.status).toBe(503);
  });
});
