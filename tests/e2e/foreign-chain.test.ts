import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Anvil, startAnvil } from "@depinfer/chain";
import { afterAll, beforeAll, expect, test } from "vitest";
import { discard, startTestNetwork, type TestNetwork } from "./local-network.ts";
import { expectWhole, type MoneyTools, moneyTools, passStory } from "./money-tools.ts";

/* The same money on a chain that the network did not start: it knows a URL and a key, and nothing else. */

const folder = mkdtempSync(join(tmpdir(), "depinfer-foreign-"));
let anvil: Anvil;
let network: TestNetwork;
let tools: MoneyTools;

beforeAll(async () => {
  anvil = await startAnvil({ home: folder });
  const keyFile = join(folder, "deployer.key");
  writeFileSync(keyFile, anvil.key(0), { mode: 0o600 });
  network = await startTestNetwork([
    "--providers",
    "2",
    "--validators",
    "1",
    "--rpc-url",
    anvil.rpcUrl,
    "--key-file",
    keyFile,
  ]);
  tools = await moneyTools(network);
}, 120_000);
afterAll(async () => {
  await discard(network);
  await anvil.stop();
  rmSync(folder, { recursive: true, force: true });
}, 30_000);

test("the network runs on the chain that was named", async () => {
  expect(network.chain.rpcUrl).toBe(anvil.rpcUrl);
  expect(network.output()).toContain("chain (yours, test money)");
});

test("pay per use, earnings, a pass and its refund, to the unit", async () => {
  const initial = (await tools.where()).supply.total;
  await tools.ask(20);
  expect(await tools.run("settle")).toContain("claimed $0.0000");
  await tools.run("claim", "--service", "provider");
  const quota = 8_000;
  await passStory(tools, await tools.sellPass(600, quota), quota);
  expectWhole(await tools.where(), initial);
}, 180_000);
