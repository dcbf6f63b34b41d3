import { type Hex, hexSchema, microUsdSchema } from "@depinfer/protocol";
import { z } from "zod";
import { callControl } from "../service/control.ts";
import type { Wallet } from "./wallets.ts";

/**
 * What a running service says of its side of a channel. It is no position of its own: the units are in the payer's
 * channel until they are claimed.
 */
export interface Promised {
  readonly service: string;
  readonly channelId: Hex;
  /** The other party's account. */
  readonly with: Hex;
  /** Units of the best voucher. */
  readonly promised: bigint;
  /** Units delivered or reserved that no voucher covers. */
  readonly inFlight: bigint;
  /** Units of the best voucher that are not claimed on chain. */
  readonly unclaimed: bigint;
}

const answer = z.array(
  z.object({
    id: hexSchema,
    with: hexSchema,
    vouchered: microUsdSchema,
    inFlight: microUsdSchema,
    settled: microUsdSchema,
  }),
);

/** Asks each service that runs. One that does not answer has nothing in flight. */
export async function promisesOf(wallets: readonly Wallet[]): Promise<readonly Promised[]> {
  const found = await Promise.all(
    wallets
      .filter(({ service }) => service === "gateway" || service.startsWith("provider-"))
      .map(async ({ service, folder }) => {
        const channels = answer.safeParse(await callControl(folder, "channels").catch(() => undefined));
        return channels.success
          ? channels.data.map(({ id, with: other, vouchered, inFlight, settled }) => ({
              service,
              channelId: id,
              with: other,
              promised: vouchered,
              inFlight,
              unclaimed: vouchered > settled ? vouchered - settled : 0n,
            }))
          : [];
      }),
  );
  return found.flat();
}

const x402 = z.object({ unclaimed: microUsdSchema });

/** Units that callers by x402 owe a running gateway and that it has not claimed; in their channels until then. */
export async function unclaimedByX402(wallets: readonly Wallet[]): Promise<bigint> {
  const found = await Promise.all(
    wallets
      .filter(({ service }) => service === "gateway")
      .map(async ({ folder }) => {
        const answer = x402.safeParse(await callControl(folder, "x402").catch(() => undefined));
        return answer.success ? answer.data.unclaimed : 0n;
      }),
  );
  return found.reduce<bigint>((sum, unclaimed) => sum + unclaimed, 0n);
}
