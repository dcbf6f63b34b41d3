import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { createSigner, recoverAddress, signerImplementation } from "@depinfer/chain";
import { openJournal } from "@depinfer/journal";
import {
  type ChannelConfig,
  channelId,
  decodeMessage,
  encodeMessage,
  type Hex,
  microUsd,
  signedVoucherSchema,
  voucherDigest,
} from "@depinfer/protocol";
import { hashTypedData, verifyTypedData } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { createLedger } from "../services/node/src/ledger.ts";
import { createPayments } from "../services/node/src/payments.ts";
import { PROVIDER_MIGRATIONS } from "../services/node/src/provider-journal.ts";
import { BenchError } from "./bench-error.ts";
import type { Benchmark } from "./benchmark.ts";
import { costOf } from "./measure/cpu.ts";
import { interleave, type Variant } from "./measure/interleave.ts";
import { compared, formatSpread, median, significant, spread } from "./measure/statistics.ts";

const KEY: Hex = `0x${"11".repeat(32)}`;
const CHANNEL: Hex = `0x${"22".repeat(32)}`;
const binding = { chainId: 31_337, verifyingContract: "0x00000000000000000000000000000000000000aa" as const };
const types = {
  Voucher: [
    { name: "channelId", type: "bytes32" },
    { name: "maxClaimableAmount", type: "uint128" },
  ],
} as const;
const domain = { name: "x402 Batch Settlement", version: "1", ...binding };

const signer = createSigner(KEY);
const account = privateKeyToAccount(KEY);
const typed = (amount: bigint) => ({
  domain,
  types,
  primaryType: "Voucher" as const,
  message: { channelId: CHANNEL, maxClaimableAmount: amount },
});

/** What one round of one variant does, `count` times over growing amounts, as a channel does. */
function variant(name: string, count: number, operation: (amount: bigint) => unknown): Variant<number> {
  return {
    name,
    async measure() {
      const { cpuMicros } = await costOf(async () => {
        for (let amount = 1n; amount <= count; amount++) {
          await operation(amount);
        }
      });
      return cpuMicros / count;
    },
  };
}

const CONFIG: ChannelConfig = {
  payer: "0x0000000000000000000000000000000000000001",
  payerAuthorizer: signer.address,
  receiver: "0x0000000000000000000000000000000000000003",
  receiverAuthorizer: "0x0000000000000000000000000000000000000003",
  token: "0x0000000000000000000000000000000000000004",
  withdrawDelay: 900,
  salt: `0x${"33".repeat(32)}`,
};

/**
 * What a provider does with a voucher from its frame to the disk: decode, derive the channel's id, recover the signer, look
 * at the books, write. As many vouchers come at once as `together` says; their writes share transactions, as in a node.
 */
function accepting(name: string, count: number, together: number): Variant<number> {
  return {
    name,
    async measure() {
      const home = mkdtempSync(join(tmpdir(), "depinfer-bench-vouchers-"));
      const journal = openJournal({ path: join(home, "journal.sqlite"), parts: { provider: PROVIDER_MIGRATIONS } });
      const payments = createPayments(
        {
          chain: {
            channels: {
              state: async () => ({ status: "open", deposit: 10n ** 12n, settled: 0n, withdrawAt: undefined }),
            },
          },
          ledger: createLedger(journal),
          recoverAddress,
        },
        {
          provider: CONFIG.receiver,
          token: CONFIG.token,
          binding,
          creditWindow: microUsd(10_000),
          margin: microUsd(1_000),
        },
      );
      const configs = Array.from({ length: together }, (_, index) => ({
        ...CONFIG,
        salt: `0x${index.toString(16).padStart(64, "0")}` as const,
      }));
      const frames = Array.from({ length: count }, (_, index) => {
        const config = configs[index % together] ?? CONFIG;
        const amount = microUsd(1 + index);
        const signature = signer.sign(voucherDigest(channelId(config, binding), amount, binding));
        return encodeMessage({ config, maxClaimableAmount: amount, signature });
      });
      const take = (frame: Uint8Array) => payments.acceptVoucher(decodeMessage(signedVoucherSchema, frame, "VOUCHER"));
      const { cpuMicros } = await costOf(async () => {
        for (let start = 0; start < frames.length; start += together) {
          await Promise.all(frames.slice(start, start + together).map(take));
        }
      });
      journal.close();
      rmSync(home, { recursive: true });
      return cpuMicros / count;
    },
  };
}

/** Time of the event loop's own thread per signature: made there, or handed to a worker that many at once and taken back. */
function loopTime(name: string, count: number, together: number, worker: Worker | null): Variant<number> {
  return {
    name,
    async measure() {
      const before = process.threadCpuUsage();
      for (let amount = 0; amount < count; amount += together) {
        const digests = Array.from({ length: together }, (_, index) =>
          voucherDigest(CHANNEL, BigInt(amount + index), binding),
        );
        if (worker === null) {
          for (const digest of digests) {
            signer.sign(digest);
          }
        } else {
          const done = once(worker, "message");
          worker.postMessage(digests);
          await done;
        }
      }
      const { user, system } = process.threadCpuUsage(before);
      return (user + system) / count;
    },
  };
}

/** The baseline must do the same work: both sides' digests and signatures have to agree. */
async function checkAgreement(): Promise<void> {
  const digest = voucherDigest(CHANNEL, 7n, binding);
  const theirs = hashTypedData(typed(7n));
  const signature = signer.sign(digest);
  if (theirs !== `0x${Buffer.from(digest).toString("hex")}` || signature !== (await account.signTypedData(typed(7n)))) {
    throw new BenchError({
      code: "bench.differentVouchers",
      message: "Our voucher and the baseline's differ, so their times cannot be compared",
      remedy: "Make the domain in bench/vouchers.ts the one that the protocol uses",
    });
  }
}

export const vouchers: Benchmark = {
  name: "vouchers",
  description: "signing and checking payment vouchers, per CPU-second, against viem's typed-data functions",
  async run({ quick, progress }) {
    await checkAgreement();
    const rounds = quick ? 2 : 9;
    const count = quick ? 50 : 500;
    const signed = signer.sign(voucherDigest(CHANNEL, 5n, binding));
    const pairs = [
      {
        operation: "digest",
        ours: variant("digest ours", 10 * count, (amount) => voucherDigest(CHANNEL, amount, binding)),
        baseline: variant("digest viem", count, (amount) => hashTypedData(typed(amount))),
      },
      {
        operation: "sign",
        ours: variant("sign ours", 4 * count, (amount) => signer.sign(voucherDigest(CHANNEL, amount, binding))),
        baseline: variant("sign viem", count, (amount) => account.signTypedData(typed(amount))),
      },
      {
        operation: "verify",
        ours: variant(
          "verify ours",
          4 * count,
          () => recoverAddress(voucherDigest(CHANNEL, 5n, binding), signed) === signer.address,
        ),
        baseline: variant("verify viem", count, () =>
          verifyTypedData({ ...typed(5n), address: account.address, signature: signed }),
        ),
      },
    ];
    const accepts = [1, 16, 256].map((together) => ({
      together,
      variant: accepting(`accept ${together}`, Math.max(4 * count, together), together),
    }));
    const worker = new Worker(new URL("./sign-worker.ts", import.meta.url), { workerData: KEY });
    const loops = [
      loopTime("loop, here", 4 * count, 16, null),
      loopTime("loop, worker 1", count, 1, worker),
      loopTime("loop, worker 16", 4 * count, 16, worker),
    ];
    const variants = [
      ...pairs.flatMap(({ ours, baseline }) => [ours, baseline]),
      ...accepts.map((one) => one.variant),
      ...loops,
    ];
    // Compiled before it counts.
    await interleave(variants, 1, () => undefined);
    const samples = await interleave(variants, rounds, progress);
    const rows = pairs.map(({ operation, ours, baseline }) => {
      const own = samples.of(ours.name, (micros) => micros);
      const their = samples.of(baseline.name, (micros) => micros);
      return {
        operation,
        oursMicros: significant(median(own)),
        viemMicros: significant(median(their)),
        oursPerCpuSecond: Math.round(1e6 / median(own)),
        viemPerCpuSecond: Math.round(1e6 / median(their)),
        timesFaster: formatSpread(compared(their, own)),
      };
    });
    await worker.terminate();
    const loopMicros = (name: string) => significant(median(samples.of(name, (micros) => micros)));
    const acceptRows = accepts.map(({ together, variant: { name } }) => ({
      operation: `accept, ${together} at once`,
      oursMicros: significant(median(samples.of(name, (micros) => micros))),
      viemMicros: null,
      oursPerCpuSecond: Math.round(1e6 / median(samples.of(name, (micros) => micros))),
      viemPerCpuSecond: null,
      timesFaster: null,
    }));
    const perSecond = (name: string) => Math.round(1e6 / spread(samples.of(name, (micros) => micros)).median);
    return {
      rounds,
      rows: [...rows, ...acceptRows],
      summary: {
        signsPerCpuSecond: perSecond("sign ours"),
        verifiesPerCpuSecond: perSecond("verify ours"),
        acceptsPerCpuSecond: perSecond("accept 256"),
        acceptsPerCpuSecondAlone: perSecond("accept 1"),
        loopMicrosToSign: loopMicros("loop, here"),
        loopMicrosByWorker: loopMicros("loop, worker 1"),
        loopMicrosByWorkerOf16: loopMicros("loop, worker 16"),
        viemSignsPerCpuSecond: perSecond("sign viem"),
        viemVerifiesPerCpuSecond: perSecond("verify viem"),
        nativeCurve: signerImplementation === "native" ? 1 : 0,
      },
    };
  },
};
