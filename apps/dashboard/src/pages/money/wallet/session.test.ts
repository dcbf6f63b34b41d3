import { expect, test } from "vitest";
import type { Eip1193Provider, WalletChoice } from "./provider.ts";
import { createWalletSession } from "./session.ts";

const ALICE = `0x${"a1".repeat(20)}` as const;
const BOB = `0x${"b0".repeat(20)}` as const;
const CHAIN = 31_337;

type Answer = (params: readonly unknown[]) => unknown;

/** A wallet that answers as it is told, and can say things by itself. */
function fakeWallet(answers: Readonly<Record<string, Answer>> = {}) {
  const asked: string[] = [];
  const listeners = new Map<string, Set<(value: unknown) => void>>();
  let chainId = CHAIN;
  const own: Readonly<Record<string, Answer>> = {
    eth_requestAccounts: () => [ALICE.toUpperCase().replace("0X", "0x")],
    eth_accounts: () => [],
    eth_chainId: () => `0x${chainId.toString(16)}`,
    ...answers,
  };
  const provider: Eip1193Provider = {
    async request({ method, params = [] }) {
      asked.push(method);
      const answer = own[method];
      if (answer === undefined) {
        throw { code: 4200, message: `no ${method}` };
      }
      return answer(params);
    },
    on: (event, listener) => listeners.set(event, (listeners.get(event) ?? new Set()).add(listener)),
    removeListener: (event, listener) => listeners.get(event)?.delete(listener),
  };
  const wallet: WalletChoice = { id: "fake", name: "Fake", test: false, provider };
  return {
    wallet,
    asked,
    says(event: string, value: unknown) {
      for (const listener of listeners.get(event) ?? []) {
        listener(value);
      }
    },
    listening: () => [...listeners.values()].reduce((sum, { size }) => sum + size, 0),
    setChain(next: number) {
      chainId = next;
    },
  };
}

const fails =
  (code: number): Answer =>
  () => {
    throw { code, message: "no" };
  };

test("a wallet that agrees is connected with its account in lower case", async () => {
  const session = createWalletSession();
  const { wallet } = fakeWallet();
  const seen: string[] = [];
  session.subscribe(() => seen.push(session.state().status));
  await session.connect(wallet);
  expect(session.state()).toMatchObject({ status: "connected", account: ALICE, chainId: CHAIN, fault: null });
  expect(seen).toEqual(["none", "connecting", "connected"]);
});

test("a reader who declines is told so, and can try again", async () => {
  const session = createWalletSession();
  let declined = true;
  const { wallet } = fakeWallet({ eth_requestAccounts: () => (declined ? fails(4001)([]) : [ALICE]) });
  await session.connect(wallet);
  expect(session.state()).toMatchObject({ status: "none", fault: { code: "wallet.rejected" } });
  declined = false;
  await session.connect(wallet);
  expect(session.state().status).toBe("connected");
});

test("coming back connects only a wallet that allowed it before, and says nothing otherwise", async () => {
  const session = createWalletSession();
  await session.resume(fakeWallet().wallet);
  expect(session.state()).toEqual({ status: "none", fault: null });
  const known = fakeWallet({ eth_accounts: () => [ALICE] });
  await session.resume(known.wallet);
  expect(session.state().status).toBe("connected");
  expect(known.asked).not.toContain("eth_requestAccounts");
});

test("a wallet that answers nonsense is not connected", async () => {
  const session = createWalletSession();
  for (const accounts of [null, "0x", [42], [`${ALICE}00`], { 0: ALICE }]) {
    await session.connect(fakeWallet({ eth_requestAccounts: () => accounts }).wallet);
    expect(session.state()).toMatchObject({ status: "none", fault: { code: "wallet.failed" } });
  }
});

test("accounts and chains that change are followed, and what ends is ended", async () => {
  const session = createWalletSession();
  const fake = fakeWallet();
  await session.connect(fake.wallet);
  fake.says("accountsChanged", [BOB]);
  expect(session.state()).toMatchObject({ account: BOB });
  fake.says("chainChanged", "0x1");
  expect(session.state()).toMatchObject({ chainId: 1 });
  fake.says("chainChanged", { nonsense: true });
  expect(session.state()).toMatchObject({ chainId: 1 });
  fake.says("accountsChanged", []);
  expect(session.state()).toEqual({ status: "none", fault: null });
  expect(fake.listening()).toBe(0);
  await session.connect(fake.wallet);
  fake.says("disconnect", { code: 4900, message: "gone" });
  expect(session.state()).toMatchObject({ status: "none", fault: { code: "wallet.offline" } });
});

test("of two wallets the one that was chosen last is connected", async () => {
  const session = createWalletSession();
  const gate = Promise.withResolvers<readonly string[]>();
  const slow = fakeWallet({ eth_requestAccounts: () => gate.promise });
  const first = session.connect({ ...slow.wallet, id: "slow" });
  await session.connect(fakeWallet({ eth_requestAccounts: () => [BOB] }).wallet);
  gate.resolve([ALICE]);
  await first;
  expect(session.state()).toMatchObject({ status: "connected", account: BOB });
  expect(slow.listening()).toBe(0);
});

test("nothing is asked of a wallet on another chain or with another account", async () => {
  const session = createWalletSession();
  const fake = fakeWallet({ eth_sendTransaction: () => "0x1" });
  const from = { account: ALICE, chainId: CHAIN };
  await expect(session.ask(from, "eth_sendTransaction", [])).rejects.toMatchObject({ code: "wallet.notConnected" });
  await session.connect(fake.wallet);
  expect(await session.ask(from, "eth_sendTransaction", [])).toBe("0x1");
  fake.says("chainChanged", "0x1");
  await expect(session.ask(from, "eth_sendTransaction", [])).rejects.toMatchObject({ code: "wallet.wrongChain" });
  fake.says("chainChanged", `0x${CHAIN.toString(16)}`);
  fake.says("accountsChanged", [BOB]);
  await expect(session.ask(from, "eth_sendTransaction", [])).rejects.toMatchObject({ code: "wallet.otherAccount" });
  expect(fake.asked.filter((method) => method === "eth_sendTransaction")).toHaveLength(1);
});

test("a chain that the wallet does not know is added; where it cannot be, the wallet's word stands", async () => {
  const session = createWalletSession();
  const added: unknown[] = [];
  const fake = fakeWallet({
    wallet_switchEthereumChain: fails(4902),
    wallet_addEthereumChain: ([chain]) => {
      added.push(chain);
      fake.setChain(7);
      return null;
    },
  });
  await session.connect(fake.wallet);
  await session.switchChain({ chainId: 7, name: "Seven", rpcUrl: null });
  expect(session.state()).toMatchObject({ chainId: CHAIN, fault: { code: "wallet.unknownChain" } });
  await session.switchChain({ chainId: 7, name: "Seven", rpcUrl: "http://127.0.0.1:1" });
  expect(session.state()).toMatchObject({ chainId: 7, fault: null });
  expect(added).toMatchObject([{ chainId: "0x7", chainName: "Seven", rpcUrls: ["http://127.0.0.1:1"] }]);
});

test("a wallet that says yes and stays where it is, is on the wrong chain", async () => {
  const session = createWalletSession();
  const fake = fakeWallet({ wallet_switchEthereumChain: () => null });
  await session.connect(fake.wallet);
  await session.switchChain({ chainId: 7, name: "Seven", rpcUrl: null });
  expect(session.state()).toMatchObject({ chainId: CHAIN, fault: { code: "wallet.wrongChain" } });
});
