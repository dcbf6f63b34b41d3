import type { Chain, ChannelState } from "@depinfer/chain";
import type { Hex } from "@depinfer/protocol";

/** A channel that is not closed, as the chain has it. */
export interface OpenChannel {
  readonly id: Hex;
  readonly payer: Hex;
  readonly receiver: Hex;
  /** Seconds of notice. */
  readonly withdrawDelay: number;
  readonly state: ChannelState;
}

/** Every open channel of the deployment, from its events. */
export async function openChannels(chain: Chain): Promise<readonly OpenChannel[]> {
  const opened = new Map<Hex, Omit<OpenChannel, "state">>();
  const done = new AbortController();
  const latest = await chain.blockNumber();
  await chain.follow({
    fromBlock: BigInt(chain.deployment.block),
    contracts: ["channels"],
    signal: done.signal,
    onError(error) {
      // Reading goes on by itself for a service; a command that is waited for says at once what is wrong.
      done.abort(error);
    },
    onLogs({ events, toBlock }) {
      for (const event of events) {
        if (event.eventName === "ChannelOpened") {
          const { channelId, payer, receiver, withdrawDelay } = event.args;
          opened.set(channelId, { id: channelId, payer, receiver, withdrawDelay: Number(withdrawDelay) });
        } else if (event.eventName === "ChannelClosed") {
          opened.delete(event.args.channelId);
        }
      }
      if (toBlock >= latest) {
        done.abort();
      }
    },
  });
  if (done.signal.reason instanceof Error && done.signal.reason.name !== "AbortError") {
    throw done.signal.reason;
  }
  const channels = await Promise.all(
    [...opened.values()].map(async (channel) => ({ ...channel, state: await chain.channels.state(channel.id) })),
  );
  return channels.filter(({ state }) => state.status === "open");
}
