import { createSigner, recoverAddress, signerImplementation } from "@depinfer/chain";
import { type Hex, voucherDigest } from "@depinfer/protocol";
import { hashTypedData, verifyTypedData } from "viem";
import { privateKeyToAccount } from "viem/accounts";
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
    const variants = pairs.flatMap(({ ours, baseline }) => [ours, baseline]);
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
    const perSecond = (name: string) => Math.round(1e6 / spread(samples.of(name, (micros) => micros)).median);
    return {
      rounds,
      rows,
      summary: {
        signsPerCpuSecond: perSecond("sign ours"),
        verifiesPerCpuSecond: perSecond("verify ours"),
        viemSignsPerCpuSecond: perSecond("sign viem"),
        viemVerifiesPerCpuSecond: perSecond("verify viem"),
        nativeCurve: signerImplementation === "native" ? 1 : 0,
      },
    };
  },
};
