import type { ChannelConfig, Hex } from "@depinfer/protocol";

/*
 * The rules of the Channels contract over a token, as plain functions over plain data. `escrow-model.test.ts` gives the same
 * calls to this model and to the contract on a real chain, and compares every state and every refusal.
 */

/** A call that the contract refuses, by the name of its custom error. */
export class ModelRevert extends Error {
  readonly errorName: string;

  constructor(errorName: string) {
    super(errorName);
    this.errorName = errorName;
  }
}

export interface ModelChannel {
  readonly payer: Hex;
  readonly deposit: bigint;
  readonly settled: bigint;
  /** Unix second, or 0 while no exit is announced. */
  readonly withdrawAt: number;
  readonly status: "open" | "closed";
}

/** Everything that the contract and the token store. */
export interface EscrowState {
  readonly tokens: Map<Hex, bigint>;
  /** What the contract may take. */
  readonly allowances: Map<Hex, bigint>;
  readonly free: Map<Hex, bigint>;
  readonly earned: Map<Hex, bigint>;
  readonly channels: Map<Hex, ModelChannel>;
}

/** A voucher as it is claimed; `signer` is who signed it. */
export interface ModelClaim {
  readonly config: ChannelConfig;
  readonly maxClaimableAmount: bigint;
  readonly signer: Hex;
}

export interface EscrowRules {
  readonly idOf: (config: ChannelConfig) => Hex;
  readonly token: Hex;
  readonly minDelay: number;
  readonly maxDelay: number;
}

export function emptyEscrow(): EscrowState {
  return { tokens: new Map(), allowances: new Map(), free: new Map(), earned: new Map(), channels: new Map() };
}

export function copyEscrow({ tokens, allowances, free, earned, channels }: EscrowState): EscrowState {
  return {
    tokens: new Map(tokens),
    allowances: new Map(allowances),
    free: new Map(free),
    earned: new Map(earned),
    channels: new Map(channels),
  };
}

/** Every unit there is: it must never change but by minting. */
export function totalOf({ tokens, free, earned, channels }: EscrowState): bigint {
  let total = 0n;
  for (const book of [tokens, free, earned]) {
    for (const amount of book.values()) {
      total += amount;
    }
  }
  for (const { deposit, settled } of channels.values()) {
    total += deposit - settled;
  }
  return total;
}

const MOST = 2n ** 96n - 1n;
const ZERO: Hex = `0x${"00".repeat(20)}`;

/** The contract's calls on `state`, which they change. A call that throws has changed nothing. */
export function escrowCalls(state: EscrowState, { idOf, token, minDelay, maxDelay }: EscrowRules) {
  const { tokens, allowances, free, earned, channels } = state;

  function pull(from: Hex, amount: bigint): void {
    const allowance = allowances.get(from) ?? 0n;
    if (allowance < amount || (tokens.get(from) ?? 0n) < amount) {
      throw new ModelRevert("TransferFromFailed");
    }
    add(tokens, from, -amount);
    if (allowance < 2n ** 256n - 1n) {
      allowances.set(from, allowance - amount);
    }
  }

  function requireFree(payer: Hex, amount: bigint): void {
    if ((free.get(payer) ?? 0n) < amount) {
      throw new ModelRevert("InsufficientBalance");
    }
  }

  function checkOpen(sender: Hex, config: ChannelConfig, amount: bigint): Hex {
    if (config.payer !== sender) {
      throw new ModelRevert("NotPayer");
    }
    if (config.token !== token) {
      throw new ModelRevert("WrongToken");
    }
    if (config.payerAuthorizer === ZERO || config.receiver === ZERO) {
      throw new ModelRevert("ZeroAddress");
    }
    if (config.withdrawDelay < minDelay || config.withdrawDelay > maxDelay) {
      throw new ModelRevert("DelayOutOfRange");
    }
    requireAmount(amount);
    const id = idOf(config);
    if (channels.has(id)) {
      throw new ModelRevert("ChannelExists");
    }
    return id;
  }

  function openChannel(config: ChannelConfig): { id: Hex; channel: ModelChannel } {
    const id = idOf(config);
    const channel = channels.get(id);
    if (channel === undefined || channel.status !== "open") {
      throw new ModelRevert("ChannelNotOpen");
    }
    return { id, channel };
  }

  function raised(config: ChannelConfig, amount: bigint): { id: Hex; channel: ModelChannel } {
    if (amount === 0n) {
      throw new ModelRevert("ZeroAmount");
    }
    const { id, channel } = openChannel(config);
    if (amount > MOST || channel.deposit + amount > MOST) {
      throw new ModelRevert("AmountTooWide");
    }
    return { id, channel: { ...channel, deposit: channel.deposit + amount } };
  }

  /** Why a voucher cannot be redeemed, or its channel. */
  function redeemable({ config, maxClaimableAmount: amount, signer }: ModelClaim) {
    const id = idOf(config);
    const channel = channels.get(id);
    if (channel?.status !== "open") {
      return "ChannelNotOpen";
    }
    if (amount <= channel.settled) {
      return "NotAboveSettled";
    }
    if (amount > channel.deposit) {
      return "AboveDeposit";
    }
    return signer === config.payerAuthorizer ? { id, channel } : "BadSignature";
  }

  function redeem(claim: ModelClaim): bigint {
    const found = redeemable(claim);
    if (typeof found === "string") {
      throw new ModelRevert(found);
    }
    const amount = claim.maxClaimableAmount - found.channel.settled;
    channels.set(found.id, { ...found.channel, settled: claim.maxClaimableAmount });
    add(earned, claim.config.receiver, amount);
    return amount;
  }

  function close(id: Hex, { payer, deposit, settled }: ModelChannel): void {
    channels.set(id, { payer, deposit: settled, settled, withdrawAt: 0, status: "closed" });
    add(free, payer, deposit - settled);
  }

  function onlyReceiver(sender: Hex, { receiver, receiverAuthorizer }: ChannelConfig): void {
    if (sender !== receiver && sender !== receiverAuthorizer) {
      throw new ModelRevert("NotReceiver");
    }
  }

  return {
    approve(sender: Hex, amount: bigint): void {
      allowances.set(sender, amount);
    },
    deposit(sender: Hex, payer: Hex, amount: bigint): void {
      if (payer === ZERO) {
        throw new ModelRevert("ZeroAddress");
      }
      if (amount === 0n) {
        throw new ModelRevert("ZeroAmount");
      }
      pull(sender, amount);
      add(free, payer, amount);
    },
    withdraw(sender: Hex, amount: bigint, to: Hex): void {
      if (amount === 0n) {
        throw new ModelRevert("ZeroAmount");
      }
      requireFree(sender, amount);
      add(free, sender, -amount);
      add(tokens, to, amount);
    },
    open(sender: Hex, config: ChannelConfig, amount: bigint): void {
      const id = checkOpen(sender, config, amount);
      pull(sender, amount);
      channels.set(id, { payer: sender, deposit: amount, settled: 0n, withdrawAt: 0, status: "open" });
    },
    openFromBalance(sender: Hex, config: ChannelConfig, amount: bigint): void {
      requireFree(sender, amount);
      const id = checkOpen(sender, config, amount);
      add(free, sender, -amount);
      channels.set(id, { payer: sender, deposit: amount, settled: 0n, withdrawAt: 0, status: "open" });
    },
    topUp(sender: Hex, config: ChannelConfig, amount: bigint): void {
      const { id, channel } = raised(config, amount);
      pull(sender, amount);
      channels.set(id, channel);
    },
    topUpFromBalance(sender: Hex, config: ChannelConfig, amount: bigint): void {
      if (sender !== config.payer) {
        throw new ModelRevert("NotPayer");
      }
      requireFree(sender, amount);
      const { id, channel } = raised(config, amount);
      add(free, sender, -amount);
      channels.set(id, channel);
    },
    claim(claim: ModelClaim): bigint {
      return redeem(claim);
    },
    claimBatch(claims: readonly ModelClaim[]): bigint {
      return claims.reduce((sum, claim) => sum + (typeof redeemable(claim) === "string" ? 0n : redeem(claim)), 0n);
    },
    claimAndClose(sender: Hex, claim: ModelClaim): void {
      onlyReceiver(sender, claim.config);
      const found = redeemable(claim);
      const { id, channel } =
        typeof found === "string" ? { id: idOf(claim.config), channel: channels.get(idOf(claim.config)) } : found;
      const nothingNew = found === "NotAboveSettled" && claim.maxClaimableAmount === channel?.settled;
      if (channel === undefined || (typeof found === "string" && !nothingNew)) {
        throw new ModelRevert(typeof found === "string" ? found : "ChannelNotOpen");
      }
      if (!nothingNew) {
        redeem(claim);
      }
      close(id, { ...channel, settled: claim.maxClaimableAmount });
    },
    refund(sender: Hex, config: ChannelConfig, amount: bigint): void {
      onlyReceiver(sender, config);
      if (amount === 0n) {
        throw new ModelRevert("ZeroAmount");
      }
      const { id, channel } = openChannel(config);
      if (amount > channel.deposit - channel.settled) {
        throw new ModelRevert("RefundAboveUnclaimed");
      }
      channels.set(id, { ...channel, deposit: channel.deposit - amount });
      add(free, channel.payer, amount);
    },
    initiateWithdraw(sender: Hex, config: ChannelConfig, now: number): void {
      if (sender !== config.payer && sender !== config.payerAuthorizer) {
        throw new ModelRevert("NotPayer");
      }
      const { id, channel } = openChannel(config);
      if (channel.withdrawAt !== 0) {
        throw new ModelRevert("WithdrawPending");
      }
      channels.set(id, { ...channel, withdrawAt: now + config.withdrawDelay });
    },
    finalizeWithdraw(config: ChannelConfig, now: number): void {
      const { id, channel } = openChannel(config);
      if (channel.withdrawAt === 0) {
        throw new ModelRevert("WithdrawNotInitiated");
      }
      if (now < channel.withdrawAt) {
        throw new ModelRevert("WithdrawTooEarly");
      }
      close(id, channel);
    },
    withdrawEarned(sender: Hex, to: Hex): void {
      const amount = earned.get(sender) ?? 0n;
      if (amount === 0n) {
        throw new ModelRevert("ZeroAmount");
      }
      earned.set(sender, 0n);
      add(tokens, to, amount);
    },
  };
}

export type EscrowCalls = ReturnType<typeof escrowCalls>;

function add(book: Map<Hex, bigint>, account: Hex, amount: bigint): void {
  book.set(account, (book.get(account) ?? 0n) + amount);
}

function requireAmount(amount: bigint): void {
  if (amount === 0n) {
    throw new ModelRevert("ZeroAmount");
  }
  if (amount > MOST) {
    throw new ModelRevert("AmountTooWide");
  }
}
