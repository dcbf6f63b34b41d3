import type { MemberFloor, SlotMarket } from "@depinfer/economics";
import type { Population } from "../population.ts";

/**
 * The slots that can be drawn while owner 0 offers only some of its own. They are numbered without gaps: first those of
 * owner 0, which are its first ones, then everybody else's.
 */
export interface Presence {
  readonly market: SlotMarket;
  readonly floor: MemberFloor;
  /** The slot behind a drawn number. */
  slotAt(drawn: number): number;
  /** How many of its slots owner 0 offers from now on. */
  offer(slots: number): void;
}

/** @param handicap added to how busy a slot of anybody but owner 0 looks; below 1 it decides between slots as busy. */
export function createPresence(
  { capacity, ownerOfSlot, ownerOfMember, firstSlot }: Population,
  queues: Int32Array,
  { floorShare, handicap }: { readonly floorShare: number; readonly handicap: number },
): Presence {
  const all = ownerOfSlot.length;
  const own = capacity[0] ?? 0;
  let offered = own;
  const slotAt = (drawn: number) => (drawn < offered ? drawn : drawn - offered + own);
  return {
    market: {
      get slots() {
        return all - own + offered;
      },
      load: (drawn) => (queues[slotAt(drawn)] ?? 0) + (drawn < offered ? 0 : handicap),
    },
    floor: {
      share: floorShare,
      members: ownerOfMember.length,
      idleSlot(member, random) {
        const owner = ownerOfMember[member] ?? 0;
        const slots = owner === 0 ? offered : (capacity[owner] ?? 0);
        const slot = (firstSlot[owner] ?? 0) + Math.floor(random() * slots);
        if (slots === 0 || queues[slot] !== 0) {
          return undefined;
        }
        return owner === 0 ? slot : slot - own + offered;
      },
    },
    slotAt,
    offer(slots) {
      offered = Math.max(0, Math.min(own, Math.floor(slots)));
    },
  };
}
