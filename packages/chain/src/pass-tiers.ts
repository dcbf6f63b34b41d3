import { flatPrice, type Hex } from "@depinfer/protocol";
import { ABIS } from "./abi.ts";
import { lowerCase } from "./lower-case.ts";
import type { Rpc } from "./rpc.ts";

/** What a pass costs and gives. Never changes. */
export interface PassTier {
  readonly id: bigint;
  /** Who made it, in lower case. */
  readonly issuer: Hex;
  /** Units of six decimals for one period. */
  readonly price: bigint;
  readonly periodSeconds: number;
  /** Tokens per period. */
  readonly quota: bigint;
  /** Zero: gateways decide. */
  readonly requestsPerMinute: number;
  /** Of the list of models that it is for; zero: all. */
  readonly modelsHash: Hex;
  /** As the issuer wrote it. */
  readonly metadata: string;
  /** The flat price of a million tokens at which its passes are used. */
  readonly unitsPerMillion: bigint;
}

const abi = ABIS.passes;
/** Public endpoints refuse ranges above a few thousand. */
const BLOCKS_PER_REQUEST = 2_000n;

/** Every tier, or the one with this id, in order of making. Tiers never change, so their events are all there is. */
export function readTiers(
  { rpc, address, sinceBlock }: { readonly rpc: Rpc; readonly address: Hex; readonly sinceBlock: bigint },
  tierId?: bigint,
): Promise<readonly PassTier[]> {
  return rpc.ask("passes.tiers", async (client) => {
    const latest = await client.getBlockNumber();
    const tiers: PassTier[] = [];
    for (let fromBlock = sinceBlock; fromBlock <= latest; fromBlock += BLOCKS_PER_REQUEST) {
      const events = await client.getContractEvents({
        address,
        abi,
        eventName: "TierCreated",
        ...(tierId === undefined ? {} : { args: { tierId } }),
        fromBlock,
        toBlock: fromBlock + BLOCKS_PER_REQUEST - 1n,
        strict: true,
      });
      for (const { args } of events) {
        tiers.push({
          id: args.tierId,
          issuer: lowerCase(args.issuer),
          price: args.price,
          periodSeconds: Number(args.period),
          quota: args.quota,
          requestsPerMinute: args.requestsPerMinute,
          modelsHash: args.modelsHash,
          metadata: args.metadata,
          unitsPerMillion: flatPrice(args),
        });
      }
      if (tierId !== undefined && tiers.length > 0) {
        break;
      }
    }
    return tiers;
  });
}
