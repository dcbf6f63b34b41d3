export { type Capacity, chooseSlot } from "./routing.ts";
