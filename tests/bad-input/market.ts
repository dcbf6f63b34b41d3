import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Chain, createChain, createSigner, deployContracts, recoverAddress, startAnvil } from "@depinfer/chain";
import { type Ask, BUYER_MIGRATIONS, type Buyer, type BuyerOptions, createBuyer } from "@depinfer/client";
import type { Engine } from "@depinfer/inference";
import { type Journal, openJournal } from "@depinfer/journal";
import { createHost, type Host } from "@depinfer/network";
import {
  createNode,
  createNonceBook,
  type NodeOptions,
  type NonceBook,
  PROVIDER_MIGRATIONS,
  type ProviderNode,
} from "@depinfer/node";
import { type Hex, type Log, microUsd, toHex, utf8 } from "@depinfer/protocol";
import { createWordEngine } from "./engine.ts";

/*
 * A market in one process, of real parts: a chain, libp2p hosts, journals on disk. Only the engine may be a stand-in.
 */

/** Dear enough that every token is a unit: a fault of one token shows. */
export const PRICES = {
  inputPerMillion: microUsd(1_000_000),
  cachedInputPerMillion: microUsd(1_000_000),
  outputPerMillion: microUsd(1_000_000),
};

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly code: unknown;
}

export interface TestProvider {
  readonly account: Hex;
  readonly chain: Chain;
  readonly host: Host;
  readonly node: ProviderNode;
  readonly log: readonly LogLine[];
  readonly journalPath: string;
  /** Ends it without a word: nothing that is under way is finished. */
  crash(): Promise<void>;
  /** Starts it again on what its journal holds. */
  restart(): Promise<void>;
}

export interface TestBuyer {
  readonly account: Hex;
  readonly chain: Chain;
  readonly host: Host;
  readonly buyer: Buyer;
  readonly log: readonly LogLine[];
  crash(): Promise<void>;
  restart(): Promise<void>;
}

export interface Market {
  readonly chain: Chain;
  readonly key: (index: number) => Hex;
  /** A chain object that writes as a fresh, funded account. */
  account(): Promise<{ readonly chain: Chain; readonly key: Hex; readonly address: Hex }>;
  /** `nonces` and `signature` are for providers that lie. */
  provider(options?: Partial<NodeOptions>, engine?: Engine, nonces?: NonceBook, signature?: Hex): Promise<TestProvider>;
  buyer(options?: Partial<BuyerOptions>): Promise<TestBuyer>;
  /** A bare host that may say anything. */
  peer(): Promise<Host>;
  /** Connects two nodes and waits until the first has heard the other's offer. */
  meet(a: Host, b: Host): Promise<void>;
  /** Remembers the chain as it is; the result brings it back, as a reorganisation does. */
  snapshot(): Promise<() => Promise<void>>;
  /** Stops the chain's process from answering until the result is called. */
  freezeChain(): () => void;
  stop(): Promise<void>;
}

export async function startMarket(): Promise<Market> {
  const home = await mkdtemp(join(tmpdir(), "depinfer-market-"));
  const anvil = await startAnvil({ home, blockTimeSeconds: 1 });
  const { rpcUrl } = anvil;
  const deployer = createSigner(anvil.key(0));
  const deployment = await deployContracts({ rpcUrl, account: deployer }, { minWithdrawDelay: 1 });
  const chain = createChain({ rpcUrl, deployment, account: deployer });
  const stopping: (() => Promise<void>)[] = [];
  let names = 0;

  function collect(): { lines: LogLine[]; log: Log } {
    const lines: LogLine[] = [];
    return { lines, log: (level, message, details) => lines.push({ level, message, code: details?.code }) };
  }

  async function account() {
    const key = toHex(randomBytes(32));
    const { address } = createSigner(key);
    await anvil.fund(address);
    await chain.usd.mint(address, 100_000_000n);
    return { key, address, chain: createChain({ rpcUrl, deployment, account: createSigner(key) }) };
  }

  async function startHost(role: string, seed: Uint8Array, nonceHeadFor?: (peerId: string) => Hex): Promise<Host> {
    const host = createHost(
      {},
      { seed, role, discovery: false, ...(nonceHeadFor === undefined ? {} : { nonceHeadFor }) },
    );
    await host.start();
    stopping.push(() => host.stop());
    return host;
  }

  return {
    chain,
    key: (index) => anvil.key(index),
    account,
    async provider(options = {}, engine = createWordEngine(), liesAbout, signature) {
      const { chain: own, address } = await account();
      const seed = randomBytes(32);
      const honest = createSigner(toHex(randomBytes(32)));
      const receiptSigner = signature === undefined ? honest : { ...honest, sign: () => signature };
      const journalPath = join(home, `provider-${names++}`, "journal.sqlite");
      const { lines, log } = collect();

      async function open() {
        const nonces = liesAbout ?? createNonceBook();
        const host = await startHost("provider", seed, nonces.headFor);
        const journal = mortal(openJournal({ path: journalPath, parts: { provider: PROVIDER_MIGRATIONS } }));
        const node = createNode(
          { host, chain: own, engine, journal, nonces, receiptSigner, recoverAddress, log },
          {
            provider: address,
            prices: PRICES,
            region: "test",
            epochMs: 0,
            creditWindow: microUsd(2_000),
            depositMargin: microUsd(100),
            ...options,
          },
        );
        return { host, journal, node };
      }

      let now = await open();
      await own.registry.register({
        role: "provider",
        receiptKey: receiptSigner.address,
        peerId: toHex(utf8(now.host.peerId)),
      });
      await now.node.start();
      let running = true;
      const provider: TestProvider = {
        account: address,
        chain: own,
        journalPath,
        log: lines,
        get host() {
          return now.host;
        },
        get node() {
          return now.node;
        },
        async crash() {
          if (running) {
            running = false;
            // The journal goes first: what is not in it by now is lost.
            now.journal.close();
            await now.host.stop();
            await now.node.stop();
          }
        },
        async restart() {
          await provider.crash();
          now = await open();
          running = true;
          await now.node.start();
        },
      };
      stopping.push(() => provider.crash());
      return provider;
    },
    async buyer(options = {}) {
      const { chain: own, address, key } = await account();
      const seed = randomBytes(32);
      const path = join(home, `buyer-${names++}`, "journal.sqlite");
      const { lines, log } = collect();

      async function open() {
        const host = await startHost("gateway", seed);
        const journal = mortal(openJournal({ path, parts: { buyer: BUYER_MIGRATIONS } }));
        const buyer = createBuyer(
          { host, chain: own, journal, sessionSigner: createSigner(key), recoverAddress, log, random: Math.random },
          { payer: address, channelDeposit: microUsd(20_000), withdrawDelay: 1, acceptMs: 5_000, ...options },
        );
        await buyer.start();
        return { host, journal, buyer };
      }

      let now = await open();
      let running = true;
      const test: TestBuyer = {
        account: address,
        chain: own,
        log: lines,
        get host() {
          return now.host;
        },
        get buyer() {
          return now.buyer;
        },
        async crash() {
          if (running) {
            running = false;
            now.journal.close();
            await now.host.stop();
            await now.buyer.stop();
          }
        },
        async restart() {
          await test.crash();
          now = await open();
          running = true;
        },
      };
      stopping.push(() => test.crash());
      return test;
    },
    peer: () => startHost("test", randomBytes(32)),
    async meet(a, b) {
      await a.dial(b.addresses);
      await until("the offer is heard", () => a.offers.offers().some(({ peerId }) => peerId === b.peerId));
    },
    async snapshot() {
      const id = await rpc(rpcUrl, "evm_snapshot");
      return async () => {
        await rpc(rpcUrl, "evm_revert", id);
      };
    },
    freezeChain() {
      process.kill(anvil.pid, "SIGSTOP");
      return () => process.kill(anvil.pid, "SIGCONT");
    },
    async stop() {
      for (const end of stopping.splice(0).reverse()) {
        await end();
      }
      await anvil.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** A journal of a process that may die: what is written after its end is lost, and nobody is told that it was saved. */
function mortal(journal: Journal): Journal {
  return {
    ...journal,
    record: (work) => (journal.db.isOpen ? journal.record(work) : Promise.reject(new Error("this process is dead"))),
  };
}

/** Calls what only a development chain offers. */
async function rpc(url: string, method: string, ...params: readonly unknown[]): Promise<unknown> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  const answer: unknown = await response.json();
  return answer !== null && typeof answer === "object" && "result" in answer ? answer.result : undefined;
}

/** A chat request for `maxTokens` tokens. */
export function askFor(content: string, maxTokens = 20, changes: Partial<Ask> = {}): Ask {
  const body = { model: "words", messages: [{ role: "user", content }], max_tokens: maxTokens };
  return {
    endpoint: "chat",
    body: utf8(JSON.stringify(body)),
    maxTokens,
    policy: { model: "words" },
    audit: "validator",
    account: "test",
    ...changes,
  };
}

/** Waits until `condition` holds. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, timeoutMs = 10_000) {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) {
      throw new Error(`timed out after ${timeoutMs} ms waiting until ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
