import type { Buyer } from "@depinfer/client";
import type { OwnSeats } from "./admission.ts";

/** A gateway that shares its accounts with nobody: its journal alone knows what they have used. */
export function ownJournal(buyer: Pick<Buyer, "spent">): OwnSeats {
  const alive = new Set(["this"]);
  return {
    holder: "this",
    seat: "this",
    alone: true,
    used: (account) => new Map([["this", buyer.spent(account)]]),
    alive: () => alive,
  };
}
