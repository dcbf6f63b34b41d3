import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Anvil, createSigner, parseDeployment, startAnvil } from "@depinfer/chain";
import { createPublicClient, createTestClient, http } from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/* Deploying on a chain that is known by its URL alone, broken off and gone on with, and checking what is there. */

const folder = mkdtempSync(join(tmpdir(), "depinfer-deploy-"));
const home = join(folder, "home");
const keyFile = join(folder, "deployer.key");
const LIMIT_MS = 60_000;
let anvil: Anvil;

beforeAll(async () => {
  anvil = await startAnvil({ home: join(folder, "chain"), chainId: 4_242 });
  writeFileSync(keyFile, anvil.key(0), { mode: 0o600 });
}, LIMIT_MS);
afterAll(async () => {
  await anvil.stop();
  rmSync(folder, { recursive: true, force: true });
}, LIMIT_MS);

interface Run {
  readonly code: number | null;
  readonly output: string;
}

function run(args: readonly string[]): Promise<Run> {
  const child: ChildProcess = spawn(process.execPath, ["apps/cli/bin/depinfer.js", "deploy", "--home", home, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
  let output = "";
  const take = (chunk: Buffer) => {
    output += chunk.toString();
  };
  child.stdout?.on("data", take);
  child.stderr?.on("data", take);
  return new Promise((resolve) => {
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code, output });
    });
  });
}

/** Deploys through an endpoint that lets so many transactions pass and is gone then. */
async function breakOff(transactions: number, args: readonly string[]): Promise<Run> {
  let left = transactions;
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) {
      body += String(chunk);
    }
    if (body.includes("eth_sendRawTransaction") && left-- <= 0) {
      left = 0;
      response.destroy();
      return;
    }
    const answer = await fetch(anvil.rpcUrl, { method: "POST", body, headers: { "content-type": "application/json" } });
    response.writeHead(answer.status, { "content-type": "application/json" }).end(await answer.text());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const result = await run([...args, "--rpc-url", `http://127.0.0.1:${port}`, "--key-file", keyFile, "--yes"]);
  server.closeAllConnections();
  server.close();
  return result;
}

const onChain = () => ["--rpc-url", anvil.rpcUrl, "--key-file", keyFile];
const record = () => JSON.parse(readFileSync(join(home, "deployments", "4242.json"), "utf8"));

describe("depinfer deploy", () => {
  it("shows what it would make and what it costs, and makes nothing unless somebody agrees", async () => {
    const { code, output } = await run(onChain());
    expect(code, output).toBe(2);
    expect(output).toMatch(/passes +\d+ +\d+ +[\d.e-]+ ETH/);
    expect(output).toContain("TEST token without value");
    expect(existsSync(home)).toBe(false);
    const client = createPublicClient({ transport: http(anvil.rpcUrl) });
    expect(await client.getTransactionCount({ address: createSigner(anvil.key(0)).address })).toBe(0);
  });

  it(
    "goes on where it was broken off, and costs about what it said",
    async () => {
      const broken = await breakOff(4, []);
      expect(broken.code, broken.output).toBe(1);
      expect(broken.output).not.toContain("✓ validatorSet");
      const before = record().addresses;
      expect(Object.keys(before)).toEqual(["testUsd", "channels", "providerRegistry", "stakeVault"]);

      const { code, output } = await run([...onChain(), "--yes"]);
      expect(code, output).toBe(0);
      expect(output).toContain("contracts are there already");
      expect(parseDeployment(record()).addresses).toMatchObject(before);

      const again = await run([...onChain(), "--json"]);
      expect(again.code, "running it twice is running it once").toBe(0);
      expect(parseDeployment(JSON.parse(again.output)).addresses).toEqual(record().addresses);
    },
    3 * LIMIT_MS,
  );

  it("estimates within a tenth of what the contracts cost", async () => {
    const { output } = await run(["--home", join(folder, "other"), ...onChain(), "--json"]);
    const estimate: { gas: string } = JSON.parse(output.split("\n").find((line) => line.startsWith("{")) ?? "");
    const client = createPublicClient({ transport: http(anvil.rpcUrl) });
    const { block, addresses } = parseDeployment(record());
    const last = Number(await client.getBlockNumber());
    let gas = 0n;
    for (let number = block + 1; number <= last; number++) {
      const { transactions } = await client.getBlock({ blockNumber: BigInt(number), includeTransactions: true });
      for (const { hash } of transactions) {
        const receipt = await client.getTransactionReceipt({ hash });
        const made = Object.values(addresses).some((address) => address === receipt.contractAddress?.toLowerCase());
        gas += made ? receipt.gasUsed : 0n;
      }
    }
    expect(Number(estimate.gas) / Number(gas)).toBeGreaterThan(0.9);
    expect(Number(estimate.gas) / Number(gas)).toBeLessThan(1.1);
  });

  it(
    "makes the vault again when the account sent something else in between",
    async () => {
      const elsewhere = join(folder, "elsewhere");
      const args = ["--home", elsewhere, ...onChain(), "--yes"];
      expect((await breakOff(5, ["--home", elsewhere])).code).toBe(1);
      const path = join(elsewhere, "deployments", "4242.json");
      const before = JSON.parse(readFileSync(path, "utf8")).addresses;
      // Another deployment by the same account uses up the numbers that the vault counted on.
      expect((await run(["--home", join(folder, "third"), ...onChain(), "--yes"])).code).toBe(0);
      const { code, output } = await run(args);
      expect(code, output).toBe(0);
      const after = parseDeployment(JSON.parse(readFileSync(path, "utf8"))).addresses;
      expect(after.channels).toBe(before.channels);
      expect(after.stakeVault).not.toBe(before.stakeVault);
      expect((await run(["--home", elsewhere, "--verify", "--rpc-url", anvil.rpcUrl])).code).toBe(0);
    },
    3 * LIMIT_MS,
  );
});

describe("depinfer deploy --verify", () => {
  it(
    "finds every contract to be what the sources compile to, until one is not",
    async () => {
      const args = ["--verify", "--rpc-url", anvil.rpcUrl, "--json"];
      const good = await run(args);
      expect(good.code, good.output).toBe(0);
      const client = createTestClient({ mode: "anvil", transport: http(anvil.rpcUrl) });
      const reader = createPublicClient({ transport: http(anvil.rpcUrl) });
      const { addresses } = parseDeployment(record());
      const code = await reader.getCode({ address: addresses.channels });
      const last = code?.at(-1) === "0" ? "1" : "0";
      await client.setCode({ address: addresses.channels, bytecode: `0x${code?.slice(2, -1)}${last}` });
      const bad = await run(args);
      expect(bad.code).toBe(1);
      const { contracts }: { contracts: { name: string; status: string; differences: string[] }[] } = JSON.parse(
        bad.output,
      );
      expect(contracts.filter(({ status }) => status !== "ok")).toMatchObject([
        { name: "channels", status: "different", differences: [expect.stringContaining("differs from byte")] },
      ]);
      if (code !== undefined) {
        await client.setCode({ address: addresses.channels, bytecode: code });
      }
    },
    LIMIT_MS,
  );

  it(
    "finds a vault that obeys somebody else, though its code is right",
    async () => {
      const { addresses } = parseDeployment(record());
      const reader = createPublicClient({ transport: http(anvil.rpcUrl) });
      const client = createTestClient({ mode: "anvil", transport: http(anvil.rpcUrl) });
      const code = await reader.getCode({ address: addresses.stakeVault });
      const evil = code?.replaceAll(addresses.disputes.slice(2), "66".repeat(20));
      expect(evil).not.toBe(code);
      await client.setCode({ address: addresses.stakeVault, bytecode: `0x${evil?.slice(2)}` });
      const { code: exit, output } = await run(["--verify", "--rpc-url", anvil.rpcUrl]);
      expect(exit).toBe(1);
      expect(output).toContain(`DISPUTES is 0x${"66".repeat(20)}, and should be ${addresses.disputes}`);
    },
    LIMIT_MS,
  );

  it("says so when there is nothing to check", async () => {
    const { code, output } = await run(["--home", join(folder, "empty"), "--verify", "--rpc-url", anvil.rpcUrl]);
    expect(code).toBe(1);
    expect(output).toContain("knows of no deployment on chain 4242");
  });
});
