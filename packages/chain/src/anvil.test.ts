import { execFile } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Anvil, type AnvilOptions, startAnvil } from "./anvil.ts";
import { anvilBinary } from "./anvil-binary.ts";
import { freePort } from "./port.ts";
import { createRpc } from "./rpc.ts";
import { createSigner } from "./signer.ts";

describe("a local chain", () => {
  let home: string;
  const running: Anvil[] = [];

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), "depinfer-anvil-"));
  });

  afterEach(async () => {
    await Promise.all(running.splice(0).map((anvil) => anvil.stop()));
    await rm(home, { recursive: true, force: true });
  });

  async function start(options: Partial<AnvilOptions> = {}): Promise<Anvil> {
    const anvil = await startAnvil({ home, blockTimeSeconds: 1, ...options });
    running.push(anvil);
    return anvil;
  }

  const blockNumber = ({ rpcUrl }: Anvil) => createRpc(rpcUrl).ask("test", (client) => client.getBlockNumber());
  const balance = ({ rpcUrl }: Anvil, address: `0x${string}`) =>
    createRpc(rpcUrl).ask("test", (client) => client.getBalance({ address }));

  it("answers on loopback, funds its accounts, and mines when nothing happens", async () => {
    const anvil = await start();
    expect(anvil.rpcUrl).toBe(`http://127.0.0.1:${anvil.port}`);
    expect(anvil.chainId).toBe(31_337);
    expect(await balance(anvil, createSigner(anvil.key(9)).address)).toBeGreaterThan(10n ** 18n);
    const newcomer = createSigner(`0x${"07".repeat(32)}`).address;
    await anvil.fund(newcomer);
    expect(await balance(anvil, newcomer)).toBe(10n ** 19n);
    const first = await blockNumber(anvil);
    await expect.poll(() => blockNumber(anvil), { timeout: 5_000 }).toBeGreaterThan(first);
  });

  it("has a mnemonic of its own, readable by the owner only, and keeps it", async () => {
    const anvil = await start();
    const path = join(home, "mnemonic");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await readFile(path, "utf8")).trim().split(" ")).toHaveLength(12);
    const key = anvil.key(0);
    await anvil.stop();
    await chmod(path, 0o644);
    expect((await start()).key(0)).toBe(key);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it("remembers its state after a stop", async () => {
    const anvil = await start();
    const newcomer = createSigner(`0x${"07".repeat(32)}`).address;
    await anvil.fund(newcomer, 5n);
    const before = await blockNumber(anvil);
    await anvil.stop();
    await anvil.stop();
    await anvil.exited;
    const again = await start();
    expect(await balance(again, newcomer)).toBe(5n);
    expect(await blockNumber(again)).toBeGreaterThanOrEqual(before);
  });

  it("takes another port when the wanted one is in use, and says so", async () => {
    const server = await occupy();
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const notices: string[] = [];
    const anvil = await start({ port, onNotice: (notice) => notices.push(notice) });
    expect(anvil.port).not.toBe(port);
    expect(notices).toEqual([`Port ${port} is in use; the local chain is on port ${anvil.port}.`]);
    server.close();
  });

  it("does not take another local chain for its own when both want the same port", async () => {
    const port = await freePort();
    const homes = await Promise.all([1, 2, 3].map((n) => mkdtemp(join(tmpdir(), `depinfer-anvil-${n}-`))));
    const anvils = await Promise.all(homes.map((each) => start({ home: each, port })));
    expect(new Set(anvils.map((anvil) => anvil.port)).size).toBe(3);
    for (const anvil of anvils) {
      expect(await balance(anvil, createSigner(anvil.key(0)).address)).toBeGreaterThan(0n);
    }
    await Promise.all(homes.map((each) => rm(each, { recursive: true, force: true })));
  });

  it("refuses a folder that another chain uses", async () => {
    const anvil = await start();
    await expect(start()).rejects.toMatchObject({ code: "anvil.inUse" });
    expect(await blockNumber(anvil)).toBeGreaterThanOrEqual(0n);
  });

  it("stops a chain whose starter was killed, and keeps its state", async () => {
    const port = await freePort();
    const script = [
      `const { startAnvil } = await import(${JSON.stringify(new URL("./anvil.ts", import.meta.url).href)});`,
      `const anvil = await startAnvil({ home: ${JSON.stringify(home)}, port: ${port}, blockTimeSeconds: 1 });`,
      `await anvil.fund("0x${"07".repeat(20)}", 5n);`,
      "console.log(anvil.rpcUrl);",
      "process.kill(process.pid, 'SIGKILL');",
    ].join("\n");
    const args = ["--conditions=source", "--input-type=module", "--eval", script];
    const killed = await promisify(execFile)(process.execPath, args).catch((error: { stdout: string }) => error);
    const orphan = createRpc(killed.stdout.trim());
    expect(await orphan.ask("test", (client) => client.getChainId())).toBe(31_337);

    const notices: string[] = [];
    const anvil = await start({ port: await freePort(), onNotice: (notice) => notices.push(notice) });
    expect(notices).toContain("Stopped a local chain that an earlier run left behind; its state is kept.");
    await expect(orphan.ask("test", (client) => client.getChainId())).rejects.toMatchObject({
      code: "chain.unreachable",
    });
    expect(await balance(anvil, `0x${"07".repeat(20)}`)).toBe(5n);
  });

  it("explains a start that fails, and a program that is not installed", async () => {
    await writeFile(join(home, "anvil-state.json"), "not a state");
    await expect(start()).rejects.toMatchObject({ code: "anvil.notStarted" });
    await writeFile(join(home, "mnemonic"), "two words");
    await expect(start()).rejects.toMatchObject({ code: "anvil.badMnemonic" });
    expect(() => anvilBinary("plan9", "x64")).toThrow(expect.objectContaining({ code: "anvil.missing" }));
  });
});

function occupy(): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => resolve(server));
  });
}
