import { microUsd } from "@depinfer/protocol";

/** Units put into a new channel: one dollar. The same for gateways and canaries, which providers must not tell apart. */
export const CHANNEL_DEPOSIT = microUsd(1_000_000n);
