import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Anvil, createChain, createSigner, type Deployment, deployContracts, startAnvil } from "@depinfer/chain";
import { afterAll, beforeAll, expect, test } from "vitest";
import { embeddedModels } from "../../apps/cli/src/home.ts";
import { readPassphrase, walletAddress } from "../../apps/cli/src/identity.ts";
import { writeNetworkFile } from "../../apps/cli/src/network-file.ts";
import { depinfer } from "./local-network.ts";

/* A service that cannot start says so in one line, with what to do, and ends with 1. */

const folder = mkdtempSync(join(tmpdir(), "depinfer-services-"));
const networkFile = join(folder, "network.json");
const passphraseFile = join(folder, "passphrase");
let anvil: Anvil;
let deployment: Deployment;
let busy: Server;
let busyPort: number;

beforeAll(async () => {
  anvil = await startAnvil({ home: join(folder, "chain") });
  deployment = await deployContracts({ rpcUrl: anvil.rpcUrl, account: createSigner(anvil.key(0)) });
  await writeNetworkFile(networkFile, {
    rpcUrl: anvil.rpcUrl,
    deployment,
    bootstrapFile: join(folder, "bootstrap.txt"),
  });
  writeFileSync(join(folder, "bootstrap.txt"), "");
  readPassphrase(passphraseFile, { create: true });
  busy = createServer();
  await new Promise<void>((resolve) => busy.listen(0, "127.0.0.1", resolve));
  const address = busy.address();
  busyPort = address !== null && typeof address === "object" ? address.port : 0;
}, 60_000);
afterAll(async () => {
  busy.close();
  await anvil.stop();
  rmSync(folder, { recursive: true, force: true });
}, 30_000);

const home = (name: string) => join(folder, name);
const common = (name: string) => ["--home", home(name), "--network", networkFile, "--passphrase-file", passphraseFile];

async function refusal(...args: readonly string[]) {
  const { code, stderr } = await depinfer(...args);
  expect(code).toBe(1);
  const line: { code: string; message: string } = JSON.parse(stderr.trim().split("\n").at(-1) ?? "{}");
  expect(line.message).toMatch(/^could not start: .+\. .+\.$/);
  return line;
}

/** Gives a service's wallet gas and test dollars, as a user would. */
async function fund(name: string, dollars: bigint): Promise<void> {
  const wallet = await walletAddress(home(name), readPassphrase(passphraseFile));
  await anvil.fund(wallet);
  const chain = createChain({ rpcUrl: anvil.rpcUrl, deployment, account: createSigner(anvil.key(0)) });
  if (dollars > 0n) {
    await chain.usd.mint(wallet, dollars * 1_000_000n);
  }
}

test("a missing model file", async () => {
  const { code, message } = await refusal("node", ...common("provider"), "--model", join(folder, "nowhere.gguf"));
  expect(code).toBe("model.missing");
  expect(message).toContain("nowhere.gguf");
});

test("a corrupt model file", async () => {
  const path = join(folder, "corrupt.gguf");
  writeFileSync(path, "GGUF but nothing else");
  expect((await refusal("node", ...common("provider"), "--model", path)).code).toBe("model.corrupt");
});

test("a model reference that cannot be downloaded", async () => {
  expect((await refusal("node", ...common("provider"), "--model", "http://127.0.0.1:9/model.gguf")).code).toBe(
    "model.download",
  );
}, 60_000);

test("an upstream that is not there", async () => {
  expect((await refusal("node", ...common("provider"), "--upstream", "http://127.0.0.1:9/v1")).code).toBe(
    "upstream.unreachable",
  );
});

test("an unreachable chain, for every service", async () => {
  const dead = join(folder, "dead.json");
  await writeNetworkFile(dead, {
    rpcUrl: "http://127.0.0.1:9",
    deployment,
    bootstrapFile: join(folder, "bootstrap.txt"),
  });
  for (const service of ["node", "gateway", "validator", "indexer"]) {
    const { code, message } = await refusal(
      service,
      "--home",
      home(`dead-${service}`),
      "--network",
      dead,
      "--passphrase-file",
      passphraseFile,
    );
    expect(code).toBe("chain.unreachable");
    expect(message).toContain("127.0.0.1:9");
  }
}, 60_000);

test("no network file, and one that is not JSON", async () => {
  const broken = join(folder, "broken.json");
  writeFileSync(broken, "{");
  for (const path of [join(folder, "none.json"), broken]) {
    expect(
      (await refusal("gateway", "--home", home("gateway"), "--network", path, "--passphrase-file", passphraseFile))
        .code,
    ).toBe("network.badFile");
  }
});

test("a wrong passphrase opens nothing", async () => {
  await walletAddress(home("locked"), readPassphrase(passphraseFile));
  const wrong = join(folder, "wrong");
  writeFileSync(wrong, "something else\n", { mode: 0o600 });
  const args = ["--home", home("locked"), "--network", networkFile, "--passphrase-file", wrong];
  expect((await refusal("gateway", ...args)).code).toBe("keystore.wrongPassphrase");
});

test("a wallet that cannot cover the slots says how much is missing", async () => {
  await fund("poor", 0n);
  const { code, message } = await refusal("node", ...common("poor"), "--slots", "3");
  expect(code).toBe("stake.insufficient");
  expect(message).toContain("$30.00");
}, 60_000);

test("a busy port", async () => {
  await fund("gateway", 100n);
  const { code, message } = await refusal("gateway", ...common("gateway"), "--port", String(busyPort));
  expect(code).toBe("gateway.portBusy");
  expect(message).toContain(String(busyPort));
  expect((await refusal("indexer", ...common("indexer"), "--port", String(busyPort))).code).toBe("index.portBusy");
}, 60_000);

test("a corrupt journal is refused and left as it was", async () => {
  await fund("corrupt", 100n);
  mkdirSync(home("corrupt"), { recursive: true });
  copyFileSync(embeddedModels.tiny, join(home("corrupt"), "journal.sqlite"));
  expect((await refusal("gateway", ...common("corrupt"), "--port", "0")).code).toBe("journal.corrupt");
}, 60_000);

test("a database that cannot be reached", async () => {
  const { code } = await refusal(
    "indexer",
    ...common("indexer"),
    "--port",
    "0",
    "--database",
    "postgres://127.0.0.1:9/nothing",
  );
  expect(code).toBe("index.unreachable");
}, 60_000);

test("wrong arguments name the argument and the value", async () => {
  const { code, stderr } = await depinfer("up", "--providers", "many");
  expect(code).toBe(1);
  expect(stderr).toContain("--providers");
  expect(stderr).toContain('"many"');
  expect((await depinfer("node", "--adversary", "liar")).stderr).toContain("temperature");
  expect(
    (await depinfer("verify", "0xabc", "--home", folder, "--url", "http://127.0.0.1:9", "--key", "x")).stderr,
  ).toContain("neither a receipt's id nor a file");
});

test("every command has help with an example", async () => {
  const commands = [
    "up",
    "node",
    "gateway",
    "validator",
    "indexer",
    "dashboard",
    "chat",
    "verify",
    "offers",
    "providers",
    "models",
    "why",
    "claim",
    "settle",
    "deposit",
    "withdraw",
    "money where",
    "stake show",
    "stake remove",
    "pass buy",
    "pass sell",
    "pass shares",
    "key create",
    "statement",
    "index",
    "own",
    "simulate",
    "margin",
    "deploy",
    "doctor",
    "dispute",
    "disputes",
    "rehearse",
  ];
  const waiting = [...commands];
  // Two at a time: most of each is a process that starts.
  await Promise.all(
    [0, 1].map(async () => {
      for (let command = waiting.shift(); command !== undefined; command = waiting.shift()) {
        const { code, stdout } = await depinfer(...command.split(" "), "--help");
        expect(code, command).toBe(0);
        expect(stdout, command).toMatch(/Examples?:\n {2}\S/);
      }
    }),
  );
}, 60_000);
