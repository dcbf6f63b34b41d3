import { createSigner } from "@depinfer/chain";
import { OUTBOX_MIGRATIONS } from "@depinfer/journal";
import { encodeMessage, FrameType, type Hex, microUsd, toHex, voucherDigest } from "@depinfer/protocol";
import { BUYER_MIGRATIONS } from "../../packages/client/src/buyer-journal.ts";
import { PROVIDER_MIGRATIONS } from "../../services/node/src/provider-journal.ts";
import { BUYER, type BuyerProcess, type BuyerTruth, countedOn, SESSION, startBuyer } from "./buyer-process.ts";
import type { Command, History, Lie } from "./commands.ts";
import { createDisk, createTemplate } from "./disk.ts";
import { totalOf } from "./escrow-model.ts";
import { BINDING, idOf } from "./model-chain.ts";
import { PROVIDER, type ProviderProcess, type ProviderTruth, startProvider } from "./provider-process.ts";
import { createWire, type Wire } from "./wire.ts";
import { createWorld, type Life } from "./world.ts";

const WEALTH = 20_000n;
/** Points that a whole history passes at most; far above what any needs. */
const MOST_STEPS = 6_000;
const STRANGER = createSigner(`0x${"77".repeat(32)}`);

const BUYER_PARTS = { buyer: BUYER_MIGRATIONS, outbox: OUTBOX_MIGRATIONS };
const PROVIDER_PARTS = { provider: PROVIDER_MIGRATIONS };

/** What a history showed: the rules it broke, and a few counts that say whether it reached anything. */
export interface Outcome {
  readonly faults: readonly string[];
  readonly answers: number;
  readonly crashes: number;
  readonly claimed: bigint;
  readonly steps: number;
}

/** Runs histories one after the other in `folder`, each from empty journals. */
export function createHistories(folder: string) {
  const buyerTemplate = createTemplate(folder, "buyer", BUYER_PARTS);
  const providerTemplate = createTemplate(folder, "provider", PROVIDER_PARTS);

  return async function run(history: History): Promise<Outcome> {
    const world = createWorld(history.seed);
    const faults: string[] = [];
    const disks = {
      buyer: createDisk(world, folder, buyerTemplate, BUYER_PARTS),
      provider: createDisk(world, folder, providerTemplate, PROVIDER_PARTS),
    };
    const buyerTruth: BuyerTruth = { accepted: new Map(), vouchered: new Map(), faults };
    const providerTruth: ProviderTruth = { announced: new Set(), faults };
    const tasks = new Map<Promise<void>, Life>();
    /** Something failed that can cost one of the sides what it had not written down or not claimed yet. */
    let disturbed = false;
    /** The buyer left a channel, perhaps without paying its last answers. */
    let left = false;
    /** What the provider held on each channel when the notice of its payer had just begun. */
    const heldAtNotice = new Map<Hex, bigint>();
    let watched = world.chain.changes;
    let crashes = 0;
    let steps = 0;
    let requests = 0;
    let wire = createWire(world);
    world.chain.mine((state) => state.tokens.set(BUYER, WEALTH));

    const lifeOf = (name: Life["name"]): Life => ({ name, alive: true, left: -1, powerLoss: false });
    const charge = (cost: bigint) => cost + BigInt(history.overcharge);
    let buyer = startBuyer(world, disks.buyer, lifeOf("buyer"), buyerTruth);
    let provider = startProvider(world, disks.provider, lifeOf("provider"), providerTruth, charge);
    provider.listen(wire);

    /** Work of one life. What fails in it is the process's own business; what it breaks is found by the rules. */
    function task(life: Life, work: () => Promise<unknown>): void {
      const done: Promise<void> = work().then(
        () => undefined,
        () => undefined,
      );
      if (life.alive) {
        tasks.set(done, life);
        done.then(() => tasks.delete(done));
      }
    }

    function reconnect(): void {
      wire.close();
      wire = createWire(world);
      provider.listen(wire);
    }

    function reconcile(by: BuyerProcess, from: ProviderProcess, link: Wire): Promise<void> {
      return by.reconcile(link, (id) =>
        from.ledger.unpaid(id).map(({ receipt }) => ({ requestId: receipt.requestId, cost: receipt.cost })),
      );
    }

    world.onKill = (life) => {
      life.alive = false;
      crashes += 1;
      disturbed = true;
      wire.close();
      disks[life.name].crash(life);
      for (const [pending, of] of tasks) {
        if (of === life) {
          tasks.delete(pending);
        }
      }
      if (life.name === "buyer") {
        const next = startBuyer(world, disks.buyer, lifeOf("buyer"), buyerTruth);
        buyer = next;
        task(next.life, () => next.start());
      } else {
        const next = startProvider(world, disks.provider, lifeOf("provider"), providerTruth, charge);
        provider = next;
        task(next.life, () => next.watch());
      }
      reconnect();
    };

    /** Passes waiting points until nothing waits any more. */
    async function settleDown(): Promise<void> {
      for (let quiet = 0; quiet < 3; ) {
        quiet = world.step() ? 0 : quiet + 1;
        steps += 1;
        if (steps > MOST_STEPS) {
          faults.push(`the history did not come to rest in ${MOST_STEPS} steps`);
          return;
        }
        await turn();
      }
    }

    async function apply(command: Command): Promise<void> {
      switch (command.do) {
        case "request": {
          requests += 1;
          const id: Hex = `0x${requests.toString(16).padStart(64, "0")}`;
          const by = buyer;
          const link = wire;
          task(by.life, () => by.request(link, PROVIDER, { id, cost: BigInt(command.cost), end: command.end }));
          break;
        }
        case "flush":
          task(buyer.life, buyer.sender.flush);
          break;
        case "settle":
          task(provider.life, provider.settle);
          break;
        case "watch":
          task(provider.life, provider.watch);
          break;
        case "withdraw": {
          const id = buyer.ledger.channels().at(-1)?.id;
          if (id !== undefined) {
            left = true;
            task(buyer.life, () => buyer.channels.exits.begin(id));
          }
          break;
        }
        case "leave": {
          // A payer that pays what it owes, leaves, and takes the rest at the first moment that it may.
          const id = buyer.ledger.channels().at(-1)?.id;
          if (id !== undefined) {
            left = true;
            task(buyer.life, buyer.sender.flush);
            await settleDown();
            task(buyer.life, () => buyer.channels.exits.begin(id));
            await settleDown();
            follow();
            await settleDown();
            if (!heldAtNotice.has(id)) {
              heldAtNotice.set(id, provider.ledger.channel(id)?.vouchered ?? 0n);
            }
            world.advance(901_000);
            task(buyer.life, buyer.channels.exits.finish);
          }
          break;
        }
        case "finish":
          task(buyer.life, buyer.channels.exits.finish);
          break;
        case "cut": {
          reconnect();
          const [by, from, link] = [buyer, provider, wire];
          task(by.life, () => reconcile(by, from, link));
          break;
        }
        case "loseAnswer":
          world.chain.loseNextAnswer = true;
          disturbed = true;
          break;
        case "outage":
          world.chain.away = true;
          disturbed = true;
          break;
        case "back":
          world.chain.away = false;
          task(provider.life, provider.watch);
          break;
        case "reorg":
          if (world.chain.reorganise(command.blocks)) {
            disturbed = true;
            // The buyer's tokens were minted before everything else.
            if (totalOf(world.chain.state()) === 0n) {
              world.chain.mine((state) => state.tokens.set(BUYER, WEALTH));
            }
            task(provider.life, provider.watch);
            task(buyer.life, buyer.channels.refresh);
          }
          break;
        case "wait":
          world.advance(command.seconds * 1_000);
          break;
        case "crash": {
          const life = command.who === "buyer" ? buyer.life : provider.life;
          life.left = command.after;
          life.powerLoss = command.powerLoss;
          break;
        }
        case "lie":
          tell(command.lie);
          break;
      }
      follow();
      if (command.wait) {
        await settleDown();
        follow();
        await settleDown();
      } else {
        world.step();
        await turn();
      }
    }

    /** Providers follow the chain's events while they can reach it. */
    function follow(): void {
      if (!world.chain.away && watched !== world.chain.changes) {
        watched = world.chain.changes;
        task(provider.life, provider.watch);
      }
    }

    /** Something that an honest peer would not say; it must have no effect. */
    function tell(lie: Lie): void {
      const channel = buyer.ledger.channels().at(-1);
      if (channel === undefined) {
        return;
      }
      const { config, deposit, owed, id } = channel;
      const show = (amount: bigint, signature: Hex) =>
        wire.sendControl(FrameType.VOUCHER, encodeMessage({ config, maxClaimableAmount: microUsd(amount), signature }));
      const signed = (amount: bigint, binding = BINDING) => SESSION.sign(voucherDigest(id, amount, binding));
      switch (lie) {
        case "voucherOfStranger":
          show(owed + 50n, STRANGER.sign(voucherDigest(id, owed + 50n, BINDING)));
          break;
        case "voucherAboveDeposit":
          show(deposit + 1_000_000n, signed(deposit + 1_000_000n));
          break;
        case "voucherOfOtherChain":
          show(owed + 50n, signed(owed + 50n, { ...BINDING, chainId: 1 }));
          break;
        case "voucherReplayed":
          show(owed / 2n, signed(owed / 2n));
          break;
        case "voucherCompact":
          show(owed + 50n, toHex(Buffer.from(signed(owed + 50n).slice(2), "hex").subarray(0, 64)));
          break;
        case "receiptInvented":
          wire.reply({ kind: "receipt", requestId: `0x${"fe".repeat(32)}`, cost: 1_000n });
          break;
        case "receiptTooDear":
          wire.reply({ kind: "receipt", requestId: `0x${requests.toString(16).padStart(64, "0")}`, cost: 1_000_000n });
          break;
      }
    }

    /** After everything: the chain is back, both sides meet, and each takes what is its own. */
    async function drain(): Promise<void> {
      buyer.life.left = -1;
      provider.life.left = -1;
      await settleDown();
      world.chain.away = false;
      world.chain.loseNextAnswer = false;
      reconnect();
      task(provider.life, provider.watch);
      task(buyer.life, buyer.channels.refresh);
      await settleDown();
      const [by, from, link] = [buyer, provider, wire];
      task(by.life, () => reconcile(by, from, link));
      await settleDown();
      task(buyer.life, buyer.sender.flush);
      await settleDown();
      task(provider.life, provider.settle);
      await settleDown();
      for (const { id } of buyer.ledger.channels()) {
        task(buyer.life, () => buyer.channels.exits.begin(id));
        await settleDown();
      }
      task(provider.life, provider.watch);
      await settleDown();
      world.advance(1_000_000);
      for (let i = 0; i < 2; i++) {
        task(buyer.life, buyer.channels.exits.finish);
        await settleDown();
      }
    }

    try {
      for (const command of history.commands) {
        await apply(command);
      }
      await drain();
      judge();
    } finally {
      disks.buyer.close();
      disks.provider.close();
    }
    const state = world.chain.state();
    return {
      faults,
      answers: buyerTruth.accepted.size,
      crashes,
      claimed: state.earned.get(PROVIDER) ?? 0n,
      steps,
    };

    function judge(): void {
      const state = world.chain.state();
      const earned = state.earned.get(PROVIDER) ?? 0n;
      const expect = (holds: boolean, rule: string) => {
        if (!holds) {
          faults.push(rule);
        }
      };
      expect(totalOf(state) === WEALTH, `there are ${totalOf(state)} units where there were ${WEALTH}`);
      const accepted = [...buyerTruth.accepted.values()].reduce((sum, { cost }) => sum + cost, 0n);
      expect(earned <= accepted, `the provider earned ${earned}, the buyer accepted ${accepted}`);
      for (const [id, { settled, status, deposit }] of state.channels) {
        expect(
          settled <= countedOn(buyerTruth, id),
          `channel ${id} paid ${settled}, ${countedOn(buyerTruth, id)} were counted`,
        );
        expect(status === "closed", `channel ${id} still holds ${deposit - settled} units`);
      }
      const wallet = state.tokens.get(BUYER) ?? 0n;
      // A deep reorganisation may leave the rest in the free balance, which the next channel is opened from.
      const free = state.free.get(BUYER) ?? 0n;
      expect(
        wallet + free + earned === WEALTH,
        `the buyer has ${wallet + free} of ${WEALTH} again, the provider ${earned}`,
      );
      expect(disturbed || free === 0n, `${free} units stay in the free balance in a history without faults`);
      expect(tasks.size === 0, `${tasks.size} tasks never ended`);

      const { spent, reserved } = buyer.ledger.account("app");
      const all = buyer.ledger.requests(1_000);
      const cost = all.reduce((sum, request) => sum + request.cost, 0n);
      expect(spent === cost, `the account spent ${spent}, its requests cost ${cost}`);
      expect(reserved === 0n, `${reserved} units stay reserved`);
      expect(
        all.every(({ state: end }) => end === "done" || end === "failed"),
        `requests stay open: ${all.map(({ state: end }) => end).join(" ")}`,
      );
      for (const channel of provider.ledger.channels()) {
        const paid = state.channels.get(idOf(channel.config));
        expect(
          (paid?.settled ?? 0n) <= channel.vouchered,
          `channel ${channel.id} paid ${paid?.settled}, the provider holds a voucher of ${channel.vouchered}`,
        );
        // A voucher that comes after the end of the notice is too late, and a gift.
        const due = left ? (heldAtNotice.get(channel.id) ?? 0n) : channel.vouchered;
        expect(disturbed || (paid?.settled ?? 0n) >= due, `${due} were vouchered in time and ${paid?.settled} claimed`);
      }
      // Where nothing went wrong everybody has exactly what was agreed.
      if (!disturbed && !left) {
        expect(earned === cost, `the provider earned ${earned} of ${cost} in a history without faults`);
      }
    }
  };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
