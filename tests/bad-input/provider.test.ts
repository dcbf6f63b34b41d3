import { createSigner } from "@depinfer/chain";
import type { Host, Link } from "@depinfer/network";
import {
  type ChannelConfig,
  channelId,
  type DepinferError,
  decodeError,
  encodeMessage,
  encodeRequest,
  FrameType,
  type Hex,
  microUsd,
  type RequestTerms,
  toHex,
  utf8,
  voucherDigest,
} from "@depinfer/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectRawPeer } from "../../packages/network/src/testing/raw-peer.ts";
import { createWordEngine } from "./engine.ts";
import { askFor, type Market, PRICES, startMarket, type TestProvider, until } from "./market.ts";

/* A provider among peers that send it anything: each gets one typed error, no money moves, everyone else is served. */

let market: Market;
let provider: TestProvider;
/** A peer with a wallet, a channel and a link, that speaks the protocol by hand. */
let peer: Host;
let link: Link;
let wallet: Awaited<ReturnType<Market["account"]>>;
let config: ChannelConfig;

beforeAll(async () => {
  market = await startMarket();
  provider = await market.provider();
  peer = await market.peer();
  wallet = await market.account();
  await wallet.chain.usd.approve(wallet.chain.channels.address, 10n ** 12n);
  config = configOf();
  await wallet.chain.channels.open(config, 10_000n);
  link = await peer.dial(provider.host.addresses);
  link.sendControl(FrameType.VOUCHER, voucher(config, 0n));
  await say("hello");
}, 60_000);
afterAll(() => market.stop(), 30_000);

let salts = 0;
function configOf(changes: Partial<ChannelConfig> = {}): ChannelConfig {
  return {
    payer: wallet.address,
    payerAuthorizer: wallet.address,
    receiver: provider.account,
    receiverAuthorizer: provider.account,
    token: market.chain.deployment.addresses.testUsd,
    withdrawDelay: 1,
    salt: `0x${(++salts).toString(16).padStart(64, "0")}`,
    ...changes,
  };
}

const binding = () => ({
  chainId: market.chain.deployment.chainId,
  verifyingContract: market.chain.channels.address,
});
const idOf = (of: ChannelConfig) => channelId(of, binding());

function voucher(of: ChannelConfig, amount: bigint, key = wallet.key, at = binding()): Uint8Array {
  const signature = createSigner(key).sign(voucherDigest(channelId(of, at), amount, at));
  return encodeMessage({ config: of, maxClaimableAmount: amount, signature });
}

function termsOf(changes: Partial<RequestTerms> = {}): RequestTerms {
  const random = () => toHex(crypto.getRandomValues(new Uint8Array(32)));
  return {
    v: 1,
    requestId: random(),
    endpoint: "chat",
    classId: createWordEngine().description.classId,
    channelId: idOf(config),
    buyerNonce: random(),
    maxOutputTokens: 10,
    prices: PRICES,
    audit: "validator",
    ...changes,
  };
}

interface Heard {
  readonly types: readonly FrameType[];
  readonly error: DepinferError | null;
}

/** One exchange to its end. */
function exchange(over: Link, payload: Uint8Array, type = FrameType.REQ): Promise<Heard> {
  return new Promise((resolve) => {
    const types: FrameType[] = [];
    let error: DepinferError | null = null;
    const opened = over.open(payload, type);
    opened.onFrame((frame, bytes) => {
      types.push(frame);
      error = frame === FrameType.ERR ? decodeError(bytes) : error;
    });
    opened.onClose((outcome) => resolve({ types, error: error ?? (outcome.kind === "failed" ? outcome.error : null) }));
  });
}

function say(content: string, terms: Partial<RequestTerms> = {}, over = link): Promise<Heard> {
  return exchange(over, encodeRequest({ terms: termsOf(terms), body: askFor(content, 10).body }));
}

/** Everything that is money, on both sides of the provider. */
async function money(): Promise<unknown> {
  const { owed, vouchered, settled, receipts } = provider.node.state();
  const { deposit, settled: onChain, status } = await market.chain.channels.state(idOf(config));
  const earned = await market.chain.channels.earned(provider.account);
  return { owed, vouchered, settled, receipts, deposit, onChain, status, earned };
}

/** Runs `attack`, and fails when it moved money or stopped the provider from serving. */
async function harmless<Result>(attack: () => Promise<Result>): Promise<Result> {
  const before = await money();
  const result = await attack();
  expect(await money()).toEqual(before);
  const { types } = await say("hello");
  expect(types.at(-1)).toBe(FrameType.END);
  return result;
}

describe("a voucher that is not good", () => {
  const WRONG: readonly [string, () => Uint8Array, string][] = [
    ["for another provider", () => voucher(configOf({ receiver: wallet.address }), 5n), "payment.wrongChannel"],
    ["in another token", () => voucher(configOf({ token: wallet.address }), 5n), "payment.wrongToken"],
    ["signed by another key", () => voucher(config, 5n, market.key(3)), "payment.badSignature"],
    ["signed for another chain", () => crossSigned({ ...binding(), chainId: 1 }), "payment.badSignature"],
    [
      "signed for another contract",
      () => crossSigned({ ...binding(), verifyingContract: wallet.address }),
      "payment.badSignature",
    ],
    ["with a signature of one byte", () => signedBy("0x00"), "payment.badSignature"],
    ["with a signature that no key can make", () => signedBy(`0x${"00".repeat(65)}`), "payment.badSignature"],
    ["above the deposit", () => voucher(config, 10_001n), "payment.aboveDeposit"],
    ["of a channel that was never opened", () => voucher(configOf(), 5n), "payment.channelNotOpen"],
    ["that is not JSON", () => utf8("garbage"), "request.malformed"],
    ["without its fields", () => utf8("{}"), "message.malformed"],
    [
      "of a negative amount",
      () => encodeMessage({ config, maxClaimableAmount: "-1", signature: "0x" }),
      "message.malformed",
    ],
  ];

  function crossSigned(at: { chainId: number; verifyingContract: Hex }): Uint8Array {
    const signature = createSigner(wallet.key).sign(voucherDigest(idOf(config), 5n, at));
    return encodeMessage({ config, maxClaimableAmount: 5n, signature });
  }

  function signedBy(signature: Hex): Uint8Array {
    return encodeMessage({ config, maxClaimableAmount: 5n, signature });
  }

  test.each(WRONG)("%s is refused, and changes nothing", async (_what, bytes, code) => {
    await harmless(async () => {
      link.sendControl(FrameType.VOUCHER, bytes());
      // A request that lacks its voucher is told why.
      const { error } = await say("hello", { channelId: idOf(configOf()) });
      expect(error).toMatchObject({ code, remedy: expect.stringMatching(/\w+/) });
      expect(provider.log.at(-2)).toMatchObject({ message: expect.stringContaining("voucher refused"), code });
    });
    expect(link.closed).toBe(false);
  });

  test("that goes backwards is refused, and the better one stays", async () => {
    link.sendControl(FrameType.VOUCHER, voucher(config, 10n));
    await say("hello");
    await harmless(async () => {
      link.sendControl(FrameType.VOUCHER, voucher(config, 9n));
      expect((await say("hello", { channelId: idOf(configOf()) })).error?.code).toBe("payment.voucherBackwards");
    });
    expect(provider.node.state().vouchered).toBe(10n);
  });
});

describe("a request that cannot be served", () => {
  const over = (content: string, maxOutputTokens = 10) =>
    encodeRequest({ terms: termsOf({ maxOutputTokens }), body: askFor(content, maxOutputTokens).body });
  const body = (text: string) => encodeRequest({ terms: termsOf(), body: utf8(text) });
  const with_ = (terms: Partial<RequestTerms>) =>
    encodeRequest({ terms: termsOf(terms), body: askFor("hello", 10).body });
  const ones: Hex = `0x${"11".repeat(32)}`;

  test.each<[string, () => Uint8Array, string]>([
    ["of no bytes", () => new Uint8Array(), "request.malformed"],
    ["whose terms are longer than it", () => Uint8Array.of(255, 255, 255, 255, 1), "request.malformed"],
    ["that is cut in the middle", () => over("hello").subarray(0, 60), "request.malformed"],
    ["whose body is not JSON", () => body("{nonsense"), "request.malformed"],
    ["whose body has a wrong type", () => body('{"model":1,"messages":[]}'), "request.invalid"],
    [
      "with an unknown parameter",
      () => body('{"model":"words","messages":[{"role":"user","content":"x"}],"sing":true}'),
      "request.invalid",
    ],
    ["for another class", () => with_({ classId: ones }), "provider.wrongClass"],
    ["at other prices", () => with_({ prices: { ...PRICES, outputPerMillion: microUsd(7) } }), "provider.priceChanged"],
    ["on a channel that nobody introduced", () => with_({ channelId: ones }), "payment.channelUnknown"],
    ["whose prompt fills the context", () => over("x".repeat(5_000)), "request.contextExceeded"],
    ["that fails in the engine", () => over("fail"), "engine.failed"],
    ["that fails in the engine after a few tokens", () => over("fail late"), "engine.failed"],
  ])("%s is refused, and changes nothing", async (what, payload, code) => {
    await harmless(async () => {
      expect((await exchange(link, payload())).error, what).toMatchObject({
        code,
        remedy: expect.stringMatching(/\w+/),
      });
    });
  });

  test("that may cost more than the deposit is refused until the channel is topped up", async () => {
    const small = configOf();
    await wallet.chain.channels.open(small, 130n);
    link.sendControl(FrameType.VOUCHER, voucher(small, 0n));
    const ask = () => say("hello", { channelId: idOf(small), maxOutputTokens: 26 });
    await harmless(async () => expect((await ask()).error?.code).toBe("payment.depositExhausted"));
    // At once, before the provider can have read the event.
    await wallet.chain.channels.topUp(small, 1n);
    expect((await ask()).error).toBeNull();
  });

  test("after more was delivered than may be without a voucher is refused until one comes", async () => {
    const own = configOf();
    await wallet.chain.channels.open(own, 9_000n);
    link.sendControl(FrameType.VOUCHER, voucher(own, 0n));
    const ask = () => {
      const terms = termsOf({ channelId: idOf(own), maxOutputTokens: 2_100 });
      return exchange(link, encodeRequest({ terms, body: askFor("hello", 2_100).body }));
    };
    expect((await ask()).error).toBeNull();
    await harmless(async () => expect((await ask()).error?.code).toBe("payment.voucherDue"));
    link.sendControl(FrameType.VOUCHER, voucher(own, 2_105n));
    expect((await ask()).error).toBeNull();
  });

  test("after the buyer began to withdraw is refused", async () => {
    const leaving = configOf();
    await wallet.chain.channels.open(leaving, 1_000n);
    link.sendControl(FrameType.VOUCHER, voucher(leaving, 0n));
    const ask = () => say("hello", { channelId: idOf(leaving) });
    expect((await ask()).error).toBeNull();
    await wallet.chain.channels.initiateWithdraw(leaving);
    // By the event: so few requests use nothing up, which would make it look at the chain.
    await expect
      .poll(async () => (await ask()).error?.code, { interval: 250, timeout: 5_000 })
      .toBe("payment.channelClosing");
    await harmless(async () => expect((await ask()).error?.code).toBe("payment.channelClosing"));
  });

  test("while every slot is at work is refused, and may be asked again", async () => {
    const opened = Array.from({ length: 4 }, () =>
      link.open(encodeRequest({ terms: termsOf(), body: askFor("hang", 10).body })),
    );
    for (const each of opened) {
      each.onFrame(() => undefined);
      each.onClose(() => undefined);
    }
    await until("the slots are full", () => provider.node.state().inFlight === 4);
    const before = await money();
    expect((await say("hello")).error).toMatchObject({ code: "provider.busy", retryable: true });
    for (const each of opened) {
      each.cancel("received:0");
    }
    await until("the slots are free", () => provider.node.state().inFlight === 0);
    // Nothing was delivered, so nothing is owed.
    expect(await money()).toEqual(before);
  });

  test("with the id of an answered request is refused", async () => {
    const terms = termsOf();
    const payload = encodeRequest({ terms, body: askFor("hello", 10).body });
    expect((await exchange(link, payload)).error).toBeNull();
    await harmless(async () => {
      expect((await exchange(link, payload)).error?.code).toBe("request.duplicate");
    });
  });
});

test("a buyer that claims to have received nothing pays for all but the last 256 tokens", async () => {
  const { owed } = provider.node.state();
  const terms = termsOf({ maxOutputTokens: 600 });
  const opened = link.open(encodeRequest({ terms, body: askFor("slowly", 600).body }));
  let frames = 0;
  opened.onFrame(() => {
    frames += 1;
    if (frames === 400) {
      opened.cancel("received:0");
    }
  });
  opened.onClose(() => undefined);
  await until("it is billed", () => provider.node.state().owed > owed);
  // The prompt has six tokens; 399 of the answer had arrived.
  expect(provider.node.state().owed - owed).toBeGreaterThanOrEqual(6n + 399n - 256n);
});

describe("a peer that sends garbage", () => {
  test.each<[string, (raw: Awaited<ReturnType<typeof connectRawPeer>>) => void]>([
    ["a frame of an unknown type", (raw) => raw.frame(1, 99)],
    ["a length beyond any limit", (raw) => raw.send(Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 1, 4))],
    ["half a frame, then nothing", (raw) => raw.send(Uint8Array.of(0, 0, 1, 0, 0, 0, 0, 1, 2, 3))],
    ["another protocol version", (raw) => raw.hello({ versions: [9] })],
    ["a query that is not one", (raw) => raw.frame(1, FrameType.QUERY, utf8("{}"))],
    ["random bytes", (raw) => raw.send(crypto.getRandomValues(new Uint8Array(4_096)))],
  ])("%s: the others are served as before", async (_what, attack) => {
    const raw = await connectRawPeer(provider.host);
    try {
      await harmless(async () => {
        raw.hello();
        attack(raw);
        await until("it is answered or cut off", () => raw.received.length > 0);
        await raw.end().catch(() => undefined);
      });
      expect(link.closed).toBe(false);
    } finally {
      await raw.stop();
    }
  });

  test("a flood of vouchers ends that peer's link and no other", async () => {
    const flooder = await market.peer();
    const flood = await flooder.dial(provider.host.addresses);
    await harmless(async () => {
      // Each is well signed, for a channel that nobody opened: the provider has to ask the chain about it.
      for (const bytes of Array.from({ length: 1_500 }, () => voucher(configOf(), 1n))) {
        flood.sendControl(FrameType.VOUCHER, bytes);
      }
      await until("the link is closed", () => flood.closed);
    });
  });
});
