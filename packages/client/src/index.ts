export type { Ask } from "./ask.ts";
export {
  type Answer,
  type AnswerHandlers,
  type Buyer,
  type BuyerModules,
  type BuyerOptions,
  createBuyer,
} from "./buyer.ts";
export { BUYER_MIGRATIONS, type RequestState, type StoredRequest } from "./buyer-ledger.ts";
export { type Decision, type Policy, type Rejection, type RoutingState, route, serves } from "./route.ts";
