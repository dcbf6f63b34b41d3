export { type SettledPass, shareSurplus } from "./pass-shares.ts";
export { type Capacity, chooseSlot } from "./routing.ts";
