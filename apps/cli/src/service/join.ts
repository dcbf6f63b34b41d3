import type { Chain, Role } from "@depinfer/chain";
import { DepinferError, formatUsd, type Hex, type Log, toHex, utf8 } from "@depinfer/protocol";

export interface Membership {
  readonly role: Role;
  readonly receiptKey: Hex;
  /** libp2p id of the node. */
  readonly peerId: string;
  /** Slots to be covered by stake. */
  readonly slots: number;
  readonly classIds: readonly Hex[];
}

const UNLIMITED = 2n ** 256n - 1n;

/**
 * Makes the validator set know this bonded validator as it is now. Does only what is missing.
 *
 * @param sealingKey X25519 public key to which transcripts for it are sealed.
 */
export async function joinValidators(
  chain: Chain,
  validator: Hex,
  { sealingKey, classIds }: { readonly sealingKey: Hex; readonly classIds: readonly Hex[] },
  log: Log,
): Promise<void> {
  const known = await chain.validators.member(validator);
  if (known === undefined) {
    await chain.validators.join({ sealingKey, classIds });
    log("info", "joined the validators that are drawn", { validator });
    return;
  }
  if (known.leavingBlock !== undefined) {
    log("warn", "this validator is leaving the set and will not be drawn", { validator });
    return;
  }
  if (known.sealingKey !== sealingKey) {
    await chain.validators.setSealingKey(sealingKey);
  }
  if (classIds.some((id) => !known.classIds.includes(id))) {
    await chain.validators.setClasses(classIds);
  }
}

/**
 * Makes the chain know this operator as it is now: registered with its keys, its classes named, its slots bonded.
 * Does only what is missing, so a restart sends no transaction.
 *
 * @throws DepinferError `stake.insufficient` when the wallet cannot cover the slots.
 */
export async function join(
  chain: Chain,
  operator: Hex,
  { role, receiptKey, peerId, slots, classIds }: Membership,
  log: Log,
): Promise<void> {
  const entry = { receiptKey, peerId: toHex(utf8(peerId)) };
  const known = await chain.registry.byOperator(operator);
  if (known === undefined) {
    await chain.registry.register({ role, ...entry });
    log("info", `registered as ${role}`, { operator });
  } else if (known.receiptKey !== entry.receiptKey || known.peerId !== entry.peerId) {
    await chain.registry.update(entry);
    log("info", "registration updated", { operator });
  }
  if (classIds.some((id) => known?.classIds.includes(id) !== true)) {
    await chain.registry.setClasses(classIds);
  }
  await bond(chain, operator, slots, log);
}

async function bond(chain: Chain, operator: Hex, slots: number, log: Log): Promise<void> {
  const [stake, perSlot] = await Promise.all([chain.stake.of(operator), chain.stake.minPerSlot()]);
  const missing = slots - stake.slots;
  if (missing <= 0) {
    return;
  }
  const amount = perSlot * BigInt(missing);
  const balance = await chain.usd.balanceOf(operator);
  if (balance < amount) {
    throw new DepinferError({
      code: "stake.insufficient",
      message: `${missing} slots need a stake of ${formatUsd(amount)} and the wallet ${operator} holds ${formatUsd(balance)}`,
      remedy: "Send the missing amount to the wallet, or offer fewer slots",
      metadata: { operator, needed: amount.toString(), balance: balance.toString() },
    });
  }
  if ((await chain.usd.allowance(operator, chain.stake.address)) < amount) {
    await chain.usd.approve(chain.stake.address, UNLIMITED);
  }
  await chain.stake.bond({ slots: missing, amount });
  log("info", `bonded ${formatUsd(amount)} for ${missing} slots`, { operator });
}
