import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Chain, createChain, createSigner, deployContracts, startAnvil } from "@depinfer/chain";
import { type ChannelConfig, channelId, voucherDigest } from "@depinfer/protocol";
import type { Benchmark } from "./benchmark.ts";
import { interleave, type Variant } from "./measure/interleave.ts";
import { undoWhenStopped } from "./measure/interruption.ts";
import { median, significant } from "./measure/statistics.ts";

const CHANNELS = 100;
const BATCHES = [1, 10, 100];

/*
 * What settling costs on a rollup, by formula. Gas is measured; everything else here is an assumption, and stands in the
 * result beside the figures that follow from it.
 */
const ASSUMED = {
  /** Wei per gas for execution on the rollup: 0.01 gwei. */
  l2WeiPerGas: 10_000_000,
  /** Wei per byte that the rollup pays for data on its parent chain, compressed: 16 gas at 1 gwei, halved by compression. */
  dataWeiPerByte: 8_000_000_000,
  usdPerEth: 3_000,
  /** Tokens of answers that one voucher pays for before it is claimed: an hour of a small provider's buyer. */
  tokensPerClaim: 1_000_000,
};
/** Selector, offset, length and per claim: offset, seven words of config, amount, offset, length and 65 padded bytes. */
const batchBytes = (claims: number) => 4 + 2 * 32 + claims * (32 + 7 * 32 + 32 + 32 + 32 + 96);

interface Sample {
  readonly perSecond: number;
  readonly gasPerClaim: number;
}

/** Dollars for settling a million tokens: execution gas and bytes of calldata, per claim, over the tokens of a claim. */
export function usdPerMillionTokens(gasPerClaim: number, bytesPerClaim: number): number {
  const wei = gasPerClaim * ASSUMED.l2WeiPerGas + bytesPerClaim * ASSUMED.dataWeiPerByte;
  return (wei / 1e18) * ASSUMED.usdPerEth * (1_000_000 / ASSUMED.tokensPerClaim);
}

export const settle: Benchmark = {
  name: "settle",
  description: "claims per second and gas per claim on a local chain, one by one and in batches",
  async run({ quick, progress }) {
    const home = mkdtempSync(join(tmpdir(), "depinfer-bench-settle-"));
    const anvil = await startAnvil({ home });
    const forget = undoWhenStopped(() => anvil.stop());
    try {
      const deployment = await deployContracts({ rpcUrl: anvil.rpcUrl, account: createSigner(anvil.key(0)) });
      const buyer = createSigner(anvil.key(1));
      const provider = createSigner(anvil.key(2));
      const payerChain = createChain({ rpcUrl: anvil.rpcUrl, deployment, account: buyer });
      const chain = createChain({ rpcUrl: anvil.rpcUrl, deployment, account: provider });
      const configs = await openChannels(payerChain, buyer.address, provider.address);
      const binding = { chainId: deployment.chainId, verifyingContract: chain.channels.address };
      let amount = 0n;
      const variants = BATCHES.map(
        (size): Variant<Sample> => ({
          name: `batches of ${size}`,
          async measure() {
            amount += 1n;
            const count = size === 1 && quick ? 10 : CHANNELS;
            const claims = configs.slice(0, count).map((config) => ({
              config,
              maxClaimableAmount: amount,
              signature: buyer.sign(voucherDigest(channelId(config, binding), amount, binding)),
            }));
            const started = performance.now();
            let gas = 0n;
            for (let start = 0; start < claims.length; start += size) {
              gas += (await chain.channels.claimBatch(claims.slice(start, start + size))).gasUsed;
            }
            return {
              perSecond: (1_000 * claims.length) / (performance.now() - started),
              gasPerClaim: Number(gas) / claims.length,
            };
          },
        }),
      );
      // The first claim of a channel writes a fresh slot.
      await interleave(variants.slice(-1), 1, () => undefined);
      const rounds = quick ? 2 : 9;
      const samples = await interleave(variants, rounds, progress);
      const rows = BATCHES.map((size) => {
        const name = `batches of ${size}`;
        const gasPerClaim = median(samples.of(name, (sample) => sample.gasPerClaim));
        const bytesPerClaim = batchBytes(size) / size;
        return {
          batch: size,
          claimsPerSecond: significant(median(samples.of(name, (sample) => sample.perSecond))),
          gasPerClaim: Math.round(gasPerClaim),
          bytesPerClaim: Math.round(bytesPerClaim),
          usdPerMillionTokens: significant(usdPerMillionTokens(gasPerClaim, bytesPerClaim)),
        };
      });
      const [alone, , many] = rows;
      return {
        rounds,
        rows,
        summary: {
          claimsPerSecond1: alone?.claimsPerSecond ?? null,
          claimsPerSecond100: many?.claimsPerSecond ?? null,
          gasPerClaim100: many?.gasPerClaim ?? null,
          usdPerMillionTokens100: many?.usdPerMillionTokens ?? null,
          assumedWeiPerGas: ASSUMED.l2WeiPerGas,
          assumedWeiPerDataByte: ASSUMED.dataWeiPerByte,
          assumedUsdPerEth: ASSUMED.usdPerEth,
          assumedTokensPerClaim: ASSUMED.tokensPerClaim,
        },
      };
    } finally {
      forget();
      await anvil.stop();
      rmSync(home, { recursive: true, force: true });
    }
  },
};

async function openChannels(
  chain: Chain,
  payer: ChannelConfig["payer"],
  receiver: ChannelConfig["receiver"],
): Promise<readonly ChannelConfig[]> {
  await chain.usd.mint(payer, 100_000_000n);
  await chain.usd.approve(chain.channels.address, 100_000_000n);
  const configs: ChannelConfig[] = [];
  for (let index = 0; index < CHANNELS; index++) {
    const config: ChannelConfig = {
      payer,
      payerAuthorizer: payer,
      receiver,
      receiverAuthorizer: receiver,
      token: chain.deployment.addresses.testUsd,
      withdrawDelay: 3_600,
      salt: `0x${index.toString(16).padStart(64, "0")}`,
    };
    await chain.channels.open(config, 10_000n);
    configs.push(config);
  }
  return configs;
}
